# shadownet-node. From the top level of the repository:
#   docker build --file docker/node.Dockerfile --tag shadownet-node .
# docs/docker.md says how to run it.

FROM node:20-bookworm-slim AS base
WORKDIR /app
ENV NX_DAEMON=false NX_TUI=false

# The package.json files alone, so that the dependencies are installed anew only if one of these changes.
FROM base AS manifests
COPY . /source
RUN cd /source && find . -name 'package*.json' -exec cp --parents '{}' /app ';'

# Everything is in the bundle except koffi, whose package carries a binary.
FROM base AS dependencies
COPY --from=manifests /app ./
RUN npm ci --ignore-scripts --omit=dev --workspace shadownet-node

FROM base AS build
COPY --from=manifests /app ./
RUN npm ci --ignore-scripts
COPY . .
RUN npx nx run-many -t build --projects shadownet-node --outputStyle=static

FROM node:20-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=dependencies /app/node_modules/koffi node_modules/koffi
COPY --from=dependencies /app/node_modules/@koromix node_modules/@koromix
COPY --from=build /app/apps/node/package.json apps/node/
COPY --from=build /app/apps/node/bin apps/node/bin
COPY --from=build /app/apps/node/dist/*.js apps/node/dist/
RUN ln -s /app/apps/node/bin/shadownet-node.js /usr/local/bin/shadownet-node
# The node's identity, its private key among it.
VOLUME /var/lib/shadownet
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["shadownet-node", "status"]
# Root, for the interface: run it with --cap-drop ALL --cap-add NET_ADMIN --device /dev/net/tun, and SHADOWNET_CONTROL in its environment.
ENTRYPOINT ["shadownet-node"]
CMD ["up", "--foreground"]
