// The document around every page.

import type { Metadata, Viewport } from 'next';
import type { ReactNode } from 'react';
import './globals.css';

export const metadata: Metadata = {
  title: 'ShadowNet',
  description: 'The nodes of this ShadowNet network and the paths between them',
  robots: { index: false, follow: false },
  referrer: 'no-referrer',
};

export const viewport: Viewport = {
  colorScheme: 'light dark',
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#f4f6f4' },
    { media: '(prefers-color-scheme: dark)', color: '#0c1110' },
  ],
};

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <noscript>This page reads the state of the network every two seconds and needs JavaScript for that.</noscript>
        {children}
      </body>
    </html>
  );
}
