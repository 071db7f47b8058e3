import { describe, expect, test } from '@jest/globals';
import { printDuration } from '../../../src/core/format/go-value.js';
import { formatList, type ListRow } from '../../../src/core/format/list-format.js';
import { recorded } from './recorded.js';

const row: ListRow = {
  name: 'default',
  active: '*',
  activeHost: true,
  activeSwarm: false,
  driverName: 'virtualbox',
  state: 'Running',
  url: 'tcp://192.168.99.100:2376',
  swarm: '',
  error: '',
  dockerVersion: 'v19.03.12',
  responseMs: 1003,
  engineOptions: {
    ArbitraryFlags: null,
    Dns: ['1.1.1.1'],
    GraphDir: '',
    Env: [],
    Ipv6: false,
    InsecureRegistry: [],
    Labels: ['a=b', 'c'],
    LogLevel: '',
    StorageDriver: '',
    SelinuxEnabled: false,
    TlsVerify: true,
    RegistryMirror: [],
    InstallURL: 'https://get.docker.com',
  },
  swarmOptions: undefined,
};

describe("ls -f prints what Go's text/template prints", () => {
  // `main` is the package of the recording program.
  const comparable = recorded.List.map(({ Template, Output, Problem }) => ({
    Template,
    Output,
    Problem: Problem.replace('*main.Options.Labels', '*swarm.Options.Labels')
      .replace('*main.Options', '*engine.Options')
      .replace('main.HostListItem', 'commands.HostListItem'),
  }));

  test.each(comparable.filter(({ Problem }) => Problem === ''))('$Template', ({ Template, Output }) => {
    expect(formatList(Template, [row])).toEqual({ text: `${Output}\n`, isTable: false });
  });

  test.each(comparable.filter(({ Problem }) => Problem !== ''))(
    '$Template is an error: $Problem',
    ({ Template, Problem }) => {
      expect(() => formatList(Template, [row])).toThrow(
        expect.objectContaining({ message: Problem, verbatim: true, exitCode: 1 }),
      );
    },
  );

  test.each(Object.entries(recorded.Durations))('%s ms is the duration %s', (milliseconds, text) => {
    expect(printDuration(Number(milliseconds))).toBe(text);
  });
});

describe('formats', () => {
  const HEADER = 'NAME\tACTIVE\tDRIVER\tSTATE\tURL\tSWARM\tDOCKER\tERRORS\n';

  test('none: the table of the contract', () => {
    expect(formatList('', [row])).toEqual({
      text: `${HEADER}default\t*\tvirtualbox\tRunning\ttcp://192.168.99.100:2376\t\tv19.03.12\t\n`,
      isTable: true,
    });
    expect(formatList('', [])).toEqual({ text: HEADER, isTable: true });
  });

  test.each([
    ['table {{.Name}}\\t{{.State}}', 'NAME\tSTATE\ndefault\tRunning\n', true],
    ['table{{.Name}}', 'NAME\ndefault\n', true],
    ['Table {{.Name}}', 'Table default\n', false],
    ['  {{.Name}}: {{.ResponseTime}}  ', 'default: 1.003s\n', false],
    ['{{.Name}}\\n{{.DriverName}}', 'default\nvirtualbox\n', false],
    ['{{.Active}} {{.ActiveHost}} {{.ActiveSwarm}}', '* true false\n', false],
    ['table {{.SwarmOptions}} {{.EngineOptions}} {{.ResponseTime}} {{.Nope}}', undefined, true],
  ])('%s', (format, text, isTable) => {
    if (text === undefined) {
      expect(formatList(format, [])).toEqual({
        text: 'SWARM_OPTIONS ENGINE_OPTIONS RESPONSE <no value>\n',
        isTable,
      });
    } else {
      expect(formatList(format, [row])).toEqual({ text, isTable });
    }
  });

  test('a machine whose record cannot be read has no options', () => {
    expect(formatList('{{.EngineOptions}}', [{ ...row, engineOptions: undefined }]).text).toBe('<nil>\n');
  });

  test('whole numbers of the options print as such', () => {
    const swarmOptions = {
      ...{ IsSwarm: true, Address: '', Discovery: '', Agent: true, Master: false, Host: '', Image: '' },
      ...{
        Strategy: 'spread',
        Heartbeat: 1_000_000,
        Overcommit: 0,
        ArbitraryFlags: null,
        ArbitraryJoinFlags: null,
      },
      ...{ Env: null, IsExperimental: false },
    };
    expect(formatList('{{.SwarmOptions.Heartbeat}}', [{ ...row, swarmOptions }]).text).toBe('1000000\n');
  });
});
