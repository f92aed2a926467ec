// Next.js as a static site generator: `next build` writes out/, and shadownet-control serves those files at /.

import { join } from 'node:path';
import type { NextConfig } from 'next';

// Read after this file: neither a build nor a development server calls home.
process.env.NEXT_TELEMETRY_DISABLED = '1';

const config: NextConfig = {
  output: 'export',
  images: { unoptimized: true },
  turbopack: { root: join(import.meta.dirname, '../..') },
  experimental: { agentUpgrade: false },
  agentRules: false,
  devIndicators: false,
};

export default config;
