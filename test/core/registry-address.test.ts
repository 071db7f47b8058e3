import { describe, expect, test } from '@jest/globals';
import { UsageError } from '../../src/core/errors.js';
import { insecureRegistry, registryMirror } from '../../src/core/registry-address.js';

describe('P06: a registry mirror with which dockerd would not start is refused', () => {
  test.each([
    ['http://mirror.example:5000', 'http://mirror.example:5000'],
    ['https://mirror.example/', 'https://mirror.example'],
    ['HTTP://mirror.example//', 'HTTP://mirror.example'],
    ['http://mirror.example/hub/', 'http://mirror.example/hub'],
    ['http://[::1]:5000', 'http://[::1]:5000'],
  ])('%s is %s', (given, taken) => {
    expect(registryMirror(given, '--registry-mirror')).toBe(taken);
  });

  test.each([
    ['', 'it is not of the form'],
    ['mirror.example', 'it is not of the form'],
    ['mirror.example:5000', 'it is not of the form'],
    ['ftp://mirror.example', 'it is not of the form'],
    ['http://', 'it is not of the form'],
    ['http:///hub', 'it is not of the form'],
    ['http://mirror.example:port', 'it is not of the form'],
    ['http://mirror example', 'it is not of the form'],
    ['http://mirror.example?a=b', 'engines take no query'],
    ['http://mirror.example/#a', 'engines take no query'],
    ['http://me:secret@mirror.example', 'engines take no user name'],
  ])('"%s": %s', (given, reason) => {
    const read = () => registryMirror(given, '--registry-mirror');
    expect(read).toThrow(UsageError);
    expect(read).toThrow(
      expect.objectContaining({
        message: `The value "${given.replace('secret', '***')}" of --registry-mirror cannot be used`,
        reason: expect.stringContaining(reason),
      }),
    );
  });
});

describe('P06: an insecure registry that dockerd would refuse is refused here', () => {
  test.each([
    ['registry', 'registry'],
    ['registry.example:5000', 'registry.example:5000'],
    ['https://registry.example:5000/', 'registry.example:5000'],
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['fd00::/8', 'fd00::/8'],
    ['::1', '::1'],
    ['[2001:db8::1]:80', '[2001:db8::1]:80'],
  ])('%s is %s', (given, taken) => {
    expect(insecureRegistry(given, '--insecure-registry')).toBe(taken);
  });

  test.each([
    '',
    'svn://registry.example',
    '-registry',
    'registry-.example',
    'registry.example:500000',
    'registry.example:',
    'registry.example/path',
    '10.0.0.0/99',
    'my_registry',
    '"registry.example"',
    'a b',
  ])('"%s"', (given) => {
    expect(() => insecureRegistry(given, '--insecure-registry')).toThrow(UsageError);
  });
});
