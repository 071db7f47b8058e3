import { expect, test } from '@jest/globals';
import { COMMANDS } from '../../src/cli/main.js';

test('every command answers to the name of its file; the commands that are not there yet are scp and mount', async () => {
  for (const [name, load] of Object.entries(COMMANDS)) expect((await load()).spec.name).toBe(name);
  const original =
    'active config create env inspect ip kill ls mount provision regenerate-certs restart rm scp ssh start status stop upgrade url version';
  expect(original.split(' ').filter((name) => !Object.hasOwn(COMMANDS, name))).toEqual(['mount', 'scp']);
});
