import { expect, test } from '@jest/globals';
import { terminalEnvironment, toolEnvironment } from '../../src/host/child-environment.js';

const env = {
  PATH: '/bin',
  HOME: '/h',
  LANG: 'de_DE.UTF-8',
  LANGUAGE: 'de',
  DOCKER_HOST: 'tcp://x',
  VBOX_USER_HOME: '/v',
  XDG_RUNTIME_DIR: '/run',
  HTTPS_PROXY: 'http://u:p@x',
};

test('a tool gets what it needs to find its files, in English, and nothing else', () => {
  expect(toolEnvironment({ env, platform: 'linux' })).toEqual({
    PATH: '/bin',
    HOME: '/h',
    VBOX_USER_HOME: '/v',
    XDG_RUNTIME_DIR: '/run',
    LC_ALL: 'C.UTF-8',
  });
  expect(toolEnvironment({ env, platform: 'darwin' })['LC_ALL']).toBe('C');
});

test('variables are added on top, and undefined takes one away', () => {
  expect(
    toolEnvironment({ env: { PATH: '/bin', HOME: '/h' }, platform: 'linux' }, { HOME: undefined, X: '1' }),
  ).toEqual({
    PATH: '/bin',
    LC_ALL: 'C.UTF-8',
    X: '1',
  });
});

test('on Windows one variable in two spellings is one', () => {
  const windows = { Path: 'C:\\x', SystemRoot: 'C:\\Windows', ProgramData: 'C:\\pd', Secret: 's' };
  expect(toolEnvironment({ env: windows, platform: 'win32' }, { PATH: 'C:\\y' })).toEqual({
    PATH: 'C:\\y',
    SystemRoot: 'C:\\Windows',
    ProgramData: 'C:\\pd',
    LC_ALL: 'C',
  });
});

test('a program that the user sees gets the user’s own environment', () => {
  expect(terminalEnvironment({ env, platform: 'linux' }, { DOCKER_HOST: undefined, A: 'b' })).toEqual({
    ...Object.fromEntries(Object.entries(env).filter(([name]) => name !== 'DOCKER_HOST')),
    A: 'b',
  });
});
