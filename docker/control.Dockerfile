# shadownet-control with the dashboard. From the top level of the repository:
#   docker build --file docker/control.Dockerfile --tag shadownet-control .
# docs/docker.md says how to run it.

FROM node:20-bookworm-slim AS base
WORKDIR /app
ENV NX_DAEMON=false NX_TUI=false

# The package.json files alone, so that the dependencies are installed anew only if one of these changes.
FROM base AS manifests
COPY . /source
RUN cd /source && find . -name 'package*.json' -exec cp --parents '{}' /app ';'

# What the server loads at run time. sqlite3 comes as a binary or, where none can be downloaded, is compiled against the headers that
# the base image has beside its Node.js.
FROM base AS dependencies
RUN apt-get update \
  && apt-get install --yes --no-install-recommends g++ make python3 \
  && rm -rf /var/lib/apt/lists/*
COPY --from=manifests /app ./
RUN npm ci --ignore-scripts --omit=dev --workspace shadownet-control \
  && npm_config_nodedir=/usr/local npm rebuild sqlite3 \
  && find node_modules/sqlite3/build -type f ! -name node_sqlite3.node -delete \
  && rm -rf node_modules/sqlite3/deps

FROM base AS build
COPY --from=manifests /app ./
RUN npm ci --ignore-scripts
COPY . .
RUN npx nx run-many -t build --projects shadownet-control,@shadownet/dashboard --outputStyle=static \
  && mkdir -p /built/apps/dashboard \
  && cp --parents -r libs/*/package.json libs/*/dist apps/control/package.json apps/control/bin apps/control/dist /built \
  && cp -r apps/dashboard/out /built/apps/dashboard/out

FROM node:20-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /built ./
# The data folder has the server's private key. A new volume takes over its owner and mode from here.
RUN ln -s /app/apps/control/bin/shadownet-control.js /usr/local/bin/shadownet-control \
  && useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin shadownet \
  && install --directory --owner shadownet --group shadownet --mode 0700 /data
USER shadownet
VOLUME /data
EXPOSE 8080/tcp 3478-3480/udp
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8080/healthz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["shadownet-control"]
# --open: anybody who reaches the port may register a node and read the dashboard. The server asks for it before it listens on an address
# that others reach. Publish the ports to a network that you trust, or behind a firewall that admits your hosts only.
CMD ["--listen", "0.0.0.0:8080", "--open", "--data-dir", "/data"]
