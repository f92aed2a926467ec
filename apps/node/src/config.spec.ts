import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createJoinKey, formatJoinKey } from '@shadownet/contracts';
import { defaultWorkerPairs } from '@shadownet/dataplane';
import { encodePublicKey, publicKeyFromBytes } from '@shadownet/primitives';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readLocalConfig, readNetcheckConfig, readNodeConfig } from './config.js';

const CONTROL = 'http://203.0.113.10:8080';

describe('the configuration', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'shadownet-config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function file(text: string): string {
    const path = join(folder, 'node.toml');
    writeFileSync(path, text);
    return path;
  }

  it('has a default for everything but the control server', () => {
    const config = readNodeConfig({ control: CONTROL, hostname: 'a' }, {});
    expect(config).toEqual({
      control: new URL(CONTROL),
      controlKey: undefined,
      joinKey: undefined,
      interfaceName: 'shadownet0',
      stateDirectory: '/var/lib/shadownet',
      runDirectory: '/run/shadownet',
      uapiDirectory: '/var/run/wireguard',
      hostname: 'a',
      port: 0,
      stunServers: undefined,
      logLevel: 'info',
      startTimeout: 30_000,
      portMapping: 'on',
      portGuessing: 'on',
      dataPlane: 'auto',
      workerPairs: defaultWorkerPairs(),
    });
    expect(Object.isFrozen(config)).toBe(true);
    expect(() => readNodeConfig({}, {})).toThrow(/--control URL/);
  });

  it('takes the key of the control server by a setting, or behind the # of its URL', () => {
    const [key, other] = [1, 2].map((byte) => encodePublicKey(publicKeyFromBytes(new Uint8Array(32).fill(byte))!));
    const inUrl = readNodeConfig({ control: `${CONTROL}#${key}` }, {});
    expect(inUrl.control).toEqual(new URL(CONTROL));
    expect(encodePublicKey(inUrl.controlKey!)).toBe(key);
    expect(readNodeConfig({ control: CONTROL, control_key: key! }, {}).controlKey).toEqual(inUrl.controlKey);
    expect(() => readNodeConfig({ control: `${CONTROL}#${key}`, control_key: other! }, {})).toThrow(/different keys/);
    expect(() => readNodeConfig({ control: `${CONTROL}#abc` }, {})).toThrow(/--control: "abc" is not .*public key/);
  });

  it('takes a join key from a file or the environment, and never repeats it in an error', () => {
    const key = createJoinKey((length) => new Uint8Array(length).fill(7));
    const text = formatJoinKey(key);
    const path = join(folder, 'join-key');
    writeFileSync(path, `${text}\n`);
    const read = readNodeConfig({ control: CONTROL, join_key_file: path }, {}).joinKey!;
    expect(formatJoinKey(read)).toBe(text);
    const inEnvironment = readNodeConfig({ control: CONTROL }, { SHADOWNET_JOIN_KEY: text }).joinKey!;
    expect(formatJoinKey(inEnvironment)).toBe(text);
    expect(JSON.stringify(inEnvironment.seed)).not.toContain('07070707');
    writeFileSync(path, text.slice(0, -1));
    const failure = () => readNodeConfig({ control: CONTROL, join_key_file: path }, {});
    expect(failure).toThrow(`${path} holds no join key`);
    expect(failure).not.toThrow(/07070707/);
    expect(() => readNodeConfig({ control: CONTROL, join_key_file: `${path}-none` }, {})).toThrow(
      /--join-key-file: ENOENT/,
    );
  });

  it('takes a flag before the environment, and that before the file', () => {
    const config = file(`control = "${CONTROL}"\ninterface = "file0"\nport = 1\nhostname = "file"`);
    const environment = { SHADOWNET_INTERFACE: 'env0', SHADOWNET_PORT: '2', SHADOWNET_CONFIG: config };
    expect(readNodeConfig({ port: '3' }, environment)).toMatchObject({
      port: 3,
      interfaceName: 'env0',
      hostname: 'file',
    });
  });

  it('takes a variable that is set to nothing for one that is not set', () => {
    expect(readLocalConfig({}, { SHADOWNET_INTERFACE: '' }).interfaceName).toBe('shadownet0');
  });

  it('makes the socket for wg where it is told, or not at all', () => {
    expect(readNodeConfig({ control: CONTROL, uapi_dir: '/tmp/a' }, {}).uapiDirectory).toBe('/tmp/a');
    expect(readNodeConfig({ control: CONTROL }, { SHADOWNET_UAPI_DIR: 'off' }).uapiDirectory).toBeUndefined();
    const config = file('uapi_dir = "off"');
    expect(readNodeConfig({ control: CONTROL, config }, {}).uapiDirectory).toBeUndefined();
  });

  it('takes a data plane by flag, variable or file', () => {
    expect(readNodeConfig({ control: CONTROL, dataplane: 'portable' }, {}).dataPlane).toBe('portable');
    expect(readNodeConfig({ control: CONTROL }, { SHADOWNET_DATAPLANE: 'linux' }).dataPlane).toBe('linux');
    const config = file('dataplane = "portable"');
    expect(readNodeConfig({ control: CONTROL, config }, {}).dataPlane).toBe('portable');
  });

  it('takes the number of worker pairs by flag, variable or file', () => {
    expect(readNodeConfig({ control: CONTROL, workers: '3' }, { SHADOWNET_WORKERS: '2' }).workerPairs).toBe(3);
    expect(readNodeConfig({ control: CONTROL }, { SHADOWNET_WORKERS: '2' }).workerPairs).toBe(2);
    const config = file('workers = 4');
    expect(readNodeConfig({ control: CONTROL, config }, {}).workerPairs).toBe(4);
  });

  it('reads STUN servers as text or as a list', () => {
    const expected = [
      { host: 'stun.example.org', port: 3478 },
      { host: '2001:db8::1', port: 3479 },
    ];
    const flags = { control: CONTROL, stun: 'stun.example.org:3478, [2001:db8::1]:3479' };
    expect(readNodeConfig(flags, {}).stunServers).toEqual(expected);
    const config = file('stun = ["stun.example.org:3478", "[2001:db8::1]:3479"]');
    expect(readNodeConfig({ control: CONTROL, config }, {}).stunServers).toEqual(expected);
  });

  it('names file, line and key of what it does not know, and the nearest key that it knows', () => {
    const config = file('# control = "x"\nport = 1\n  contol = "x"');
    expect(() => readLocalConfig({ config }, {})).toThrow(`${config}:3: unknown key "contol"; did you mean control?`);
    const table = file('port = 1\n[relay.one]\nurl = "x"');
    expect(() => readLocalConfig({ config: table }, {})).toThrow(`${table}:2: unknown key "relay"; known are control,`);
  });

  it('names the file that is no TOML or cannot be read', () => {
    const config = file('control = ');
    expect(() => readLocalConfig({ config }, {})).toThrow(config);
    expect(() => readLocalConfig({ config: join(folder, 'missing.toml') }, {})).toThrow('missing.toml');
  });

  it.each([
    [{ control: 'ftp://x' }, '--control: "ftp://x" is not a URL'],
    [{ control: 'http://user:secret@x' }, 'without a user name'],
    [{ control: CONTROL, interface: 'a/b' }, '--interface: "a/b" is not an interface name'],
    [{ control: CONTROL, interface: 'sixteen-letters!' }, 'not an interface name'],
    [{ control: CONTROL, port: '65536' }, '--port: "65536" is not a whole number from 0 to 65535'],
    [{ control: CONTROL, port: 'x' }, '--port: "x"'],
    [{ control: CONTROL, stun: 'stun.example.org' }, '--stun: "stun.example.org" is not host:port'],
    [{ control: CONTROL, log_level: 'loud' }, '--log-level: "loud" is not one of trace, debug'],
    [{ control: CONTROL, timeout: '0' }, '--timeout: "0"'],
    [{ control: CONTROL, dataplane: 'fast' }, '--dataplane: "fast" is not one of auto, linux, portable'],
    [{ control: CONTROL, workers: '0' }, '--workers: "0" is not a whole number from 1 to 8'],
    [{ control: CONTROL, workers: 'many' }, '--workers: "many" is not a whole number from 1 to 8'],
    [{ control: CONTROL, hostname: 'a b' }, '--hostname: "a b" is not a host name'],
  ])('refuses %o', (flags, message) => {
    expect(() => readNodeConfig(flags, {})).toThrow(message);
  });

  it('names the variable or the key that holds what it refuses', () => {
    expect(() => readLocalConfig({}, { SHADOWNET_INTERFACE: 'a b' })).toThrow('SHADOWNET_INTERFACE: "a b"');
    const config = file('port = 70000');
    expect(() => readNodeConfig({ control: CONTROL, config }, {})).toThrow(`${config}: port: "70000"`);
  });

  it('lets netcheck ask a control server or STUN servers, and measure lifetimes with the former only', () => {
    expect(readNetcheckConfig({ stun: '203.0.113.10:3478' }, {})).toMatchObject({
      control: undefined,
      stunServers: [{ host: '203.0.113.10', port: 3478 }],
      longestSilence: undefined,
    });
    expect(readNetcheckConfig({}, { SHADOWNET_CONTROL: CONTROL }, '60')).toMatchObject({ longestSilence: 60_000 });
    expect(() => readNetcheckConfig({}, {})).toThrow('which servers to ask?');
    expect(() => readNetcheckConfig({ stun: '203.0.113.10:3478' }, {}, '60')).toThrow('--lifetime needs --control');
    expect(() => readNetcheckConfig({ control: CONTROL }, {}, '301')).toThrow(
      '--lifetime: "301" is not a whole number',
    );
  });
});
