import { describe, expect, test } from '@jest/globals';
import { assertMachineName } from '../../src/core/machine.js';

describe('names of new machines', () => {
  test.each(['con', 'NUL', 'Aux.1', 'com1', 'lpt9.dev', 'dev.', 'a..'])(
    '%s cannot be a directory of Windows and is refused there; elsewhere it is a name as for docker-machine',
    (name) => {
      expect(() => assertMachineName(name, 'win32')).toThrow(
        `Windows cannot keep a machine of the name "${name}"`,
      );
      for (const platform of ['linux', 'darwin'])
        expect(() => assertMachineName(name, platform)).not.toThrow();
    },
  );

  test.each(['dev', 'console', 'com10', 'a.con', 'null', '1'])('%s is a name everywhere', (name) => {
    for (const platform of ['linux', 'darwin', 'win32'])
      expect(() => assertMachineName(name, platform)).not.toThrow();
  });

  test.each(['', '.', '-a', 'a b', 'a/b', 'a_b'])(
    '"%s" is refused everywhere in the words of docker-machine',
    (name) => {
      for (const platform of ['linux', 'win32']) {
        expect(() => assertMachineName(name, platform)).toThrow('Invalid hostname specified');
      }
    },
  );
});
