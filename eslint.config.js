// Lint rules. The structural ones are the point: who may import whom, and what the sans-IO libs must not touch.
import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

const PURE_LIBS = [
  'primitives',
  'contracts',
  'stun',
  'wireguard',
  'paths',
  'relay',
  'policy',
  'packetfilter',
  'tunnel',
  'testlab',
];

/** Each project and the projects that it may import: dependencies point downward only (docs/architecture.md). */
const MAY_IMPORT = {
  'lib:primitives': [],
  'lib:contracts': ['lib:primitives'],
  'lib:stun': ['lib:primitives'],
  'lib:crypto': ['lib:primitives', 'lib:native'],
  'lib:wireguard': ['lib:primitives', 'lib:crypto'],
  'lib:paths': ['lib:primitives', 'lib:crypto', 'lib:stun'],
  'lib:relay': ['lib:primitives', 'lib:crypto'],
  'lib:policy': ['lib:primitives'],
  'lib:packetfilter': ['lib:primitives', 'lib:policy', 'lib:wireguard'],
  'lib:tunnel': [
    'lib:primitives',
    'lib:contracts',
    'lib:crypto',
    'lib:stun',
    'lib:wireguard',
    'lib:paths',
    'lib:policy',
    'lib:packetfilter',
  ],
  'lib:native': ['lib:primitives'],
  'lib:tun': ['lib:primitives', 'lib:native'],
  'lib:udp': ['lib:primitives', 'lib:native'],
  'lib:dataplane': [
    'lib:primitives',
    'lib:native',
    'lib:crypto',
    'lib:stun',
    'lib:wireguard',
    'lib:packetfilter',
    'lib:relay',
    'lib:tun',
    'lib:udp',
  ],
  'lib:relayhost': ['lib:primitives', 'lib:crypto', 'lib:native', 'lib:udp', 'lib:relay'],
  'lib:uapi': ['lib:primitives', 'lib:wireguard'],
  'lib:service': ['lib:primitives'],
  'lib:testlab': ['lib:primitives', 'lib:crypto', 'lib:stun', 'lib:paths'],
  'app:wg': [
    'lib:primitives',
    'lib:crypto',
    'lib:wireguard',
    'lib:native',
    'lib:tun',
    'lib:udp',
    'lib:dataplane',
    'lib:uapi',
  ],
  'app:relay': ['lib:primitives', 'lib:crypto', 'lib:relay', 'lib:relayhost'],
  'app:control': [
    'lib:primitives',
    'lib:contracts',
    'lib:policy',
    'lib:crypto',
    'lib:stun',
    'lib:paths',
    'lib:udp',
    'lib:relay',
    'lib:relayhost',
  ],
  'app:node': [
    'lib:primitives',
    'lib:contracts',
    'lib:policy',
    'lib:packetfilter',
    'lib:crypto',
    'lib:stun',
    'lib:wireguard',
    'lib:paths',
    'lib:tunnel',
    'lib:native',
    'lib:tun',
    'lib:udp',
    'lib:dataplane',
    'lib:uapi',
    'lib:relay',
    'lib:testlab',
    'lib:service',
  ],
  'app:dashboard': ['lib:contracts', 'lib:policy'],
};

const PLATFORM_GLOBALS = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'performance',
  'process',
  'Buffer',
  'fetch',
  'crypto',
];

const onlyNativeMayImportKoffi = {
  name: 'koffi',
  message: 'Only libs/native may import koffi: it alone turns memory into addresses.',
};

export default tseslint.config(
  { ignores: ['**/dist/**', '**/out/**', '**/.next/**', '**/next-env.d.ts', '.nx/**'] },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    plugins: { '@nx': nx },
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-imports': ['error', { paths: [onlyNativeMayImportKoffi] }],
      'max-lines': ['error', { max: 800 }],
    },
  },
  {
    files: ['{libs,apps}/**/*.{ts,tsx}'],
    rules: {
      '@nx/enforce-module-boundaries': [
        'error',
        {
          enforceBuildableLibDependency: false,
          allow: [],
          depConstraints: Object.entries(MAY_IMPORT).map(([sourceTag, allowed]) => ({
            sourceTag,
            onlyDependOnLibsWithTags: allowed.length > 0 ? allowed : ['none'],
          })),
        },
      ],
    },
  },
  {
    files: PURE_LIBS.map((lib) => `libs/${lib}/src/**/*.ts`),
    ignores: ['**/*.spec.ts', '**/*.contract.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [onlyNativeMayImportKoffi],
          patterns: [{ group: ['node:*', '@nestjs/*', 'typeorm'], message: 'This lib is sans-IO.' }],
        },
      ],
      'no-restricted-globals': [
        'error',
        { name: 'Date', message: 'Time is injected.' },
        ...PLATFORM_GLOBALS.map((name) => ({ name, message: 'This lib is sans-IO: inject it.' })),
      ],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random', message: 'Randomness is injected.' }],
    },
  },
  {
    // @shadownet/crypto loads where there is no native layer; @shadownet/crypto/evp is the entry that has it.
    files: ['libs/crypto/src/**/*.ts'],
    ignores: ['**/evp-provider.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [onlyNativeMayImportKoffi, { name: '@shadownet/native', message: 'Only evp-provider.ts may.' }] },
      ],
    },
  },
  {
    // Nest injects by the types of constructor parameters: an import that is used as such has to stay a value.
    files: ['apps/control/src/**/*.ts'],
    languageOptions: { parserOptions: { experimentalDecorators: true, emitDecoratorMetadata: true } },
  },
  {
    files: ['libs/native/src/**/*.ts'],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    files: ['**/*.{js,mjs}'],
    languageOptions: {
      globals: { console: 'readonly', process: 'readonly', URL: 'readonly', setTimeout: 'readonly', fetch: 'readonly' },
    },
    rules: { 'no-console': 'off' },
  },
);
