import { defaultWorkerPairs } from '@shadownet/dataplane';
import { describe, expect, it, vi } from 'vitest';
import { readConfig } from './config.js';

describe('the configuration', () => {
  it('is that of a daemon which reports errors nowhere, as with wireguard-go', () => {
    expect(readConfig(['wg0'], {})).toEqual({
      interfaceName: 'wg0',
      mode: 'daemon',
      logLevel: 'error',
      dataPlane: 'best',
      workerPairs: defaultWorkerPairs(),
      daemonLog: 'none',
      stateDirectory: '/var/lib/shadownet-wg',
    });
  });

  it.each([
    [['-f', 'wg0'], {}],
    [['--foreground', 'wg0'], {}],
    [['wg0', '-f'], {}],
    [['wg0'], { WG_PROCESS_FOREGROUND: '1' }],
  ])('stays in the foreground with %j and %j', (argv, environment) => {
    expect(readConfig(argv, environment)).toMatchObject({ interfaceName: 'wg0', mode: 'foreground' });
  });

  it('becomes a daemon with WG_PROCESS_FOREGROUND=0', () => {
    expect(readConfig(['wg0'], { WG_PROCESS_FOREGROUND: '0' })).toMatchObject({ mode: 'daemon' });
  });

  it.each([
    ['silent', 'silent', 'none'],
    ['error', 'error', 'inherited'],
    ['verbose', 'verbose', 'inherited'],
    ['debug', 'verbose', 'inherited'],
    ['nonsense', 'error', 'inherited'],
    ['', 'error', 'none'],
  ])('reads LOG_LEVEL=%s as %s, with the daemon’s log %s', (text, logLevel, daemonLog) => {
    expect(readConfig(['wg0'], { LOG_LEVEL: text })).toMatchObject({ logLevel, daemonLog });
  });

  it.each([
    [['wg0'], { SHADOWNET_DATAPLANE: 'portable' }, 'portable'],
    [['--dataplane', 'linux', 'wg0'], { SHADOWNET_DATAPLANE: 'portable' }, 'linux'],
    [['wg0'], { SHADOWNET_DATAPLANE: '' }, 'best'],
  ])('takes the data plane from %j and %j', (argv, environment, dataPlane) => {
    expect(readConfig(argv, environment)).toMatchObject({ dataPlane });
  });

  it.each([
    [['wg0'], { SHADOWNET_WORKERS: '2' }, 2],
    [['--workers', '8', 'wg0'], { SHADOWNET_WORKERS: '2' }, 8],
    [['wg0'], { SHADOWNET_WORKERS: '' }, defaultWorkerPairs()],
  ])('takes the number of worker pairs from %j and %j', (argv, environment, workerPairs) => {
    expect(readConfig(argv, environment)).toMatchObject({ workerPairs });
  });

  it.each(['0', '9', '-1', '1.5', 'two', '', ' 2', '1e0'])('refuses %j worker pairs in one line', (text) => {
    const exit = vi.spyOn(process, 'exit').mockImplementation(() => {
      throw new Error('ended');
    });
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    expect(() => readConfig(['--workers', text, 'wg0'], {})).toThrow('ended');
    expect(stderr.mock.calls.map(([line]) => line)).toEqual([
      `error: --workers is ${JSON.stringify(text)}: use a whole number from 1 to 8\n`,
    ]);
    expect(exit).toHaveBeenCalledWith(1);
    vi.restoreAllMocks();
  });

  it('keeps its state where systemd says', () => {
    expect(readConfig(['wg0'], { STATE_DIRECTORY: '/run/x' })).toMatchObject({ stateDirectory: '/run/x' });
  });
});
