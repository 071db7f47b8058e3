import { describe, expect, test } from '@jest/globals';
import { addNoProxy, hasProxy, removeNoProxy } from '../../src/core/no-proxy.js';
import type { VariableChange } from '../../src/core/variable-change.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** The environment after a shell has evaluated the changes. */
function evaluated(env: Environment, changes: readonly VariableChange[]): Environment {
  const changed: Record<string, string | undefined> = { ...env };
  for (const { name, value } of changes) {
    if (value === undefined) delete changed[name];
    else changed[name] = value;
  }
  return changed;
}

const IP = '192.168.99.100';

test.each<[Environment, boolean]>([
  [{}, false],
  [{ HTTP_PROXY: '' }, false],
  [{ NO_PROXY: 'a', no_proxy: 'b' }, false],
  [{ HTTPS_PROXY: 'http://proxy:8080' }, true],
  [{ http_proxy: 'http://proxy:8080' }, true],
  [{ all_proxy: 'socks5://proxy:1080' }, true],
])('P05: a proxy is noticed in %j: %j', (env, expected) => {
  expect(hasProxy(env)).toBe(expected);
});

describe('P05: the machine is kept away from the proxy', () => {
  test.each<[string, Environment, Environment]>([
    ['nothing was set', {}, { NO_PROXY: IP, TMACHINE_NO_PROXY: IP }],
    [
      'an empty variable counts as unset',
      { no_proxy: '' },
      { no_proxy: '', NO_PROXY: IP, TMACHINE_NO_PROXY: IP },
    ],
    [
      'the address comes last',
      { NO_PROXY: 'corp.example,10.0.0.0/8' },
      { NO_PROXY: `corp.example,10.0.0.0/8,${IP}`, TMACHINE_NO_PROXY: IP },
    ],
    [
      'the variable in use is the one',
      { no_proxy: 'corp' },
      { no_proxy: `corp,${IP}`, TMACHINE_NO_PROXY: IP },
    ],
    [
      'both are in use: Go reads one first, curl the other',
      { NO_PROXY: 'a', no_proxy: 'b' },
      { NO_PROXY: `a,${IP}`, no_proxy: `b,${IP}`, TMACHINE_NO_PROXY: IP },
    ],
    ['an address that is there stays alone', { NO_PROXY: `a, ${IP}` }, { NO_PROXY: `a, ${IP}` }],
    [
      'a longer address that contains it is another one',
      { NO_PROXY: `${IP}0` },
      { NO_PROXY: `${IP}0,${IP}`, TMACHINE_NO_PROXY: IP },
    ],
    ['a star alone covers all, and would no longer in a list', { NO_PROXY: '*' }, { NO_PROXY: '*' }],
  ])('%s', (_, env, expected) => {
    const changed = evaluated(env, addNoProxy(IP, env, 'linux'));
    expect(changed).toEqual(expected);
    expect(evaluated(changed, addNoProxy(IP, changed, 'linux'))).toEqual(changed);
    expect(evaluated(changed, removeNoProxy(changed, 'linux'))).toEqual(env);
  });

  test('the line is printed also when nothing has to be added, as docker-machine does', () => {
    expect(addNoProxy(IP, { NO_PROXY: IP }, 'linux')).toEqual([{ name: 'NO_PROXY', value: IP }]);
  });

  test.each([
    ['host:port of a none machine', 'build.example:2376', 'build.example'],
    ['an IPv6 address', '[fd00::1]:2376', 'fd00::1'],
    ['a bare IPv6 address', 'fd00::1', 'fd00::1'],
  ])('%s is written as a host', (_, address, host) => {
    expect(addNoProxy(address, {}, 'linux')[0]).toEqual({ name: 'NO_PROXY', value: host });
  });

  test('on Windows the two names are one variable', () => {
    expect(addNoProxy(IP, { No_Proxy: 'corp' }, 'win32')).toEqual([
      { name: 'no_proxy', value: `corp,${IP}` },
      { name: 'TMACHINE_NO_PROXY', value: IP },
    ]);
  });
});

describe('-u takes back exactly what was added', () => {
  test('one machine after the other: both addresses', () => {
    const first: Environment = { NO_PROXY: 'corp' };
    const second = evaluated(first, addNoProxy(IP, first, 'linux'));
    const third = evaluated(second, addNoProxy('127.0.0.1', second, 'linux'));
    expect(third.NO_PROXY).toBe(`corp,${IP},127.0.0.1`);
    expect(evaluated(third, removeNoProxy(third, 'linux'))).toEqual(first);
  });

  test("the user's own entry stays, although it is the same address", () => {
    const own: Environment = { NO_PROXY: 'localhost,127.0.0.1' };
    const changed = evaluated(own, addNoProxy('127.0.0.1', own, 'linux'));
    expect(evaluated(changed, removeNoProxy(changed, 'linux'))).toEqual(own);
  });

  test('what the user added meanwhile stays', () => {
    const changed = { NO_PROXY: `a,${IP},b`, TMACHINE_NO_PROXY: IP };
    expect(evaluated(changed, removeNoProxy(changed, 'linux'))).toEqual({ NO_PROXY: 'a,b' });
  });

  test('nothing was added: nothing is printed', () => {
    expect(removeNoProxy({ NO_PROXY: IP }, 'linux')).toEqual([]);
  });
});
