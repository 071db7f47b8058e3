import { describe, expect, test } from '@jest/globals';
import type { HostInGuest } from '../../src/core/driver.js';
import {
  changeEngine,
  type EngineChange,
  type EngineSettings,
  NO_CHANGE,
} from '../../src/core/engine-change.js';
import { machineRecord } from '../support/machine-record.js';

const host: HostInGuest = { address: '10.0.2.2', reachesLoopback: true, networks: ['10.0.2.0/24'] };
const OWN = 'localhost,127.0.0.1,10.0.2.0/24';
const fresh: EngineSettings = { engine: machineRecord().hostOptions.EngineOptions, trusted: [] };

function settings(engine: Partial<EngineSettings['engine']>, trusted: EngineSettings['trusted'] = []) {
  return { engine: { ...fresh.engine, ...engine }, trusted };
}

function change(before: EngineSettings, asked: Partial<EngineChange>) {
  return changeEngine(before, { ...NO_CHANGE, ...asked }, host);
}

describe('P06: settings of an existing machine', () => {
  test('a proxy replaces the one before, in both spellings of its variable, and brings NO_PROXY with it', () => {
    const before = settings({ Env: ['http_proxy=http://old:1', 'A=b'] });
    const { engine, changes } = change(before, { httpProxy: 'http://new:2' });
    expect(engine.Env).toEqual(['A=b', 'HTTP_PROXY=http://new:2', `NO_PROXY=${OWN}`]);
    expect(changes).toEqual([
      'variable HTTP_PROXY: http://new:2',
      `variable NO_PROXY: ${OWN}`,
      'variable http_proxy: removed (was http://old:1)',
    ]);
  });

  test('the same change again changes nothing', () => {
    const asked: Partial<EngineChange> = {
      httpProxy: 'http://p:1',
      httpsProxy: 'http://p:1',
      noProxy: '.corp.example',
      env: ['A=1'],
      registryMirrors: ['http://mirror:5000'],
      insecureRegistries: ['reg:5000'],
      trusted: [{ name: 'corp', pem: 'PEM' }],
    };
    const once = change(fresh, asked);
    expect(once.changes).toHaveLength(7);
    const twice = change(once, asked);
    expect(twice.changes).toEqual([]);
    expect(twice.engine).toEqual(once.engine);
  });

  test('a mirror with and without a slash at its end is one, also beside one that docker-machine wrote', () => {
    const before = settings({ RegistryMirror: ['http://old.example/'] });
    const asked = { registryMirrors: ['http://old.example', 'http://new.example/', 'http://new.example'] };
    const after = change(before, asked);
    expect(after.engine.RegistryMirror).toEqual(['http://old.example/', 'http://new.example']);
    const gone = change(after, { unset: ['registry-mirror=http://old.example'] });
    expect(gone.engine.RegistryMirror).toEqual(['http://new.example']);
  });

  test('an insecure registry is the same with and without scheme', () => {
    const before = settings({ InsecureRegistry: ['http://reg:5000'] });
    expect(change(before, { insecureRegistries: ['https://reg:5000/'] }).changes).toEqual([]);
    const after = change(fresh, { insecureRegistries: ['https://reg:5000/'] });
    expect(change(after, { unset: ['insecure-registry=https://reg:5000'] }).engine.InsecureRegistry).toEqual(
      [],
    );
  });

  test('registries with which the engine would not start are refused; what is there already is no obstacle', () => {
    const before = settings({ RegistryMirror: ['mirror'], InsecureRegistry: ['svn://x'] });
    expect(() => change(before, { registryMirrors: ['mirror'] })).toThrow('"mirror" of --registry-mirror');
    expect(() => change(before, { insecureRegistries: ['svn://x'] })).toThrow('of --insecure-registry');
    expect(change(before, { unset: ['registry-mirror'] }).engine.RegistryMirror).toEqual([]);
  });

  test('one proxy of several cannot be named: there is one', () => {
    expect(() => change(fresh, { unset: ['http-proxy=http://me:pw@p:1'] })).toThrow(
      '--unset http-proxy=http://me:***@p:1 cannot be done',
    );
  });

  test('what was to be taken away and was not there is named', () => {
    const before = settings({ Env: ['HTTP_PROXY=http://p:1'] });
    const unset = ['http-proxy', 'https-proxy', 'registry-mirror=http://m', 'engine-env=A', 'ca-cert'];
    expect(change(before, { unset }).idle).toEqual(unset.slice(1));
    expect(change(before, { unset: ['engine-env=TOKEN=secret'] }).idle).toEqual(['engine-env=TOKEN']);
  });

  test('NO_PROXY goes with the last proxy when only the own networks are in it, and stays when the user gave some', () => {
    const both = change(fresh, { httpProxy: 'http://p:1', httpsProxy: 'http://p:1' });
    const one = change(both, { unset: ['http-proxy'] });
    expect(one.engine.Env).toEqual(['HTTPS_PROXY=http://p:1', `NO_PROXY=${OWN}`]);
    expect(change(one, { httpsProxy: '' }).engine.Env).toEqual([]);
    const listed = change(one, { noProxy: 'a.example' });
    expect(change(listed, { unset: ['https-proxy'] }).engine.Env).toEqual([`NO_PROXY=a.example,${OWN}`]);
  });

  test('unset takes away the user-given part of NO_PROXY, and the own networks stay with the proxy', () => {
    const before = change(fresh, { httpProxy: 'http://p:1', noProxy: 'a.example' });
    expect(change(before, { unset: ['no-proxy'] }).engine.Env).toEqual([
      'HTTP_PROXY=http://p:1',
      `NO_PROXY=${OWN}`,
    ]);
  });

  test('an environment that nobody asked to change stays, NO_PROXY or not', () => {
    const before = settings({ Env: ['HTTP_PROXY=http://p:1'] });
    expect(change(before, { registryMirrors: ['http://m'] }).engine.Env).toEqual(['HTTP_PROXY=http://p:1']);
  });

  test('lists are added to; --unset takes one entry or all of them, before what is added', () => {
    const before = settings({ RegistryMirror: ['http://a', 'http://b'], InsecureRegistry: null });
    expect(
      change(before, { registryMirrors: ['http://b', 'http://c', 'http://c'] }).engine.RegistryMirror,
    ).toEqual(['http://a', 'http://b', 'http://c']);
    expect(change(before, { unset: ['registry-mirror=http://a'] }).engine.RegistryMirror).toEqual([
      'http://b',
    ]);
    const replaced = change(before, { unset: ['registry-mirror'], registryMirrors: ['http://c'] });
    expect(replaced.engine.RegistryMirror).toEqual(['http://c']);
    expect(replaced.changes).toEqual([
      'registry mirror http://c: added',
      'registry mirror http://a: removed',
      'registry mirror http://b: removed',
    ]);
    expect(change(before, {}).engine.InsecureRegistry).toBeNull();
  });

  test('a variable replaces the one of its name; the last one given wins; values are not shown', () => {
    const { engine, changes } = change(settings({ Env: ['TOKEN=old', 'B=2'] }), {
      env: ['TOKEN=x', 'TOKEN=new'],
    });
    expect(engine.Env).toEqual(['B=2', 'TOKEN=new']);
    expect(changes).toEqual(['variable TOKEN: changed']);
    expect(change(settings({ Env: ['TOKEN=old', 'B=2'] }), { unset: ['engine-env=TOKEN'] })).toMatchObject({
      engine: { Env: ['B=2'] },
      changes: ['variable TOKEN: removed'],
    });
  });

  test('P03: certificates are known by name and registry', () => {
    const before = settings({}, [{ name: 'corp', pem: 'OLD' }]);
    const { trusted, changes } = change(before, {
      trusted: [
        { name: 'corp', pem: 'NEW' },
        { name: 'corp', pem: 'REG', registry: 'reg:5000' },
      ],
    });
    expect(trusted.map(({ pem }) => pem)).toEqual(['NEW', 'REG']);
    expect(changes).toEqual(['certificate corp: changed', 'certificate reg:5000=corp: added']);
    const left = change({ engine: fresh.engine, trusted }, { unset: ['ca-cert=reg:5000=corp'] });
    expect(left.trusted.map(({ pem }) => pem)).toEqual(['NEW']);
    expect(change({ engine: fresh.engine, trusted }, { unset: ['ca-cert'] }).trusted).toEqual([]);
  });

  test('a password in a proxy is not shown', () => {
    const { engine, changes } = change(fresh, { httpProxy: 'http://me:secret@p:1' });
    expect(engine.Env?.[0]).toBe('HTTP_PROXY=http://me:secret@p:1');
    expect(changes[0]).toBe('variable HTTP_PROXY: http://me:***@p:1');
  });

  test('an unset of something that is no setting names what is', () => {
    expect(() => change(fresh, { unset: ['memory'] })).toThrow('--unset memory is not known');
  });
});
