import { describe, expect, test } from '@jest/globals';
import { forMachine } from '../../src/core/reporter.js';
import { createReporter } from '../../src/ui/output.js';
import { TextSink } from './text-sink.js';

const MIB = 1024 * 1024;

function setUp(
  given: {
    readonly terminal?: number;
    readonly debug?: boolean;
    readonly env?: Readonly<Record<string, string>>;
  } = {},
) {
  const terminal = given.terminal === undefined ? undefined : { columns: given.terminal };
  const steps = new TextSink(terminal);
  const stderr = new TextSink(terminal);
  const time = { ms: 0 };
  const reporter = createReporter({
    steps,
    stderr,
    debug: given.debug ?? false,
    env: given.env ?? {},
    monotonic: () => time.ms,
  });
  return { reporter, steps, stderr, time };
}

describe('lines', () => {
  test('steps and warnings share a stream, debug goes to stderr and only when it is on', () => {
    const quiet = setUp();
    const loud = setUp({ debug: true });
    for (const { reporter } of [quiet, loud]) {
      reporter.step('Starting "dev"...');
      forMachine(reporter, 'dev').warn('The image is old');
      reporter.debug('run VBoxManage');
    }
    expect(quiet.steps.text).toBe('Starting "dev"...\n(dev) The image is old\n');
    expect(quiet.stderr.text).toBe('');
    expect(loud.stderr.text).toBe('run VBoxManage\n');
  });

  test('text from outside cannot steer the terminal or show a secret', () => {
    const { reporter, steps } = setUp();
    reporter.step('title \x1b]0;pwned\x07\x1b[31mred\x1b[0m\x08\x9b1m http://user:pa@ss@proxy:8080/x');
    expect(steps.text).toBe('title red1m http://user:***@proxy:8080/x\n');
  });
});

describe('progress that is not on a terminal', () => {
  test("is docker-machine's line, with the machine before it", () => {
    const { reporter, steps, stderr } = setUp();
    const progress = forMachine(reporter, 'default').progress(1000);
    for (let done = 0; done <= 1000; done += 7) progress.update(done);
    progress.update(1000);
    progress.end();
    expect(steps.text).toBe(
      '(default) 0%....10%....20%....30%....40%....50%....60%....70%....80%....90%....100%\n',
    );
    expect(stderr.text).toBe('');
  });

  test('a failed transfer ends its line where it stopped', () => {
    const { reporter, steps } = setUp();
    const progress = reporter.progress(1000);
    progress.update(1);
    progress.update(25);
    progress.end();
    reporter.step('next');
    expect(steps.text).toBe('0%.\nnext\n');
  });

  test('a line between is a line of its own', () => {
    const { reporter, steps } = setUp();
    const progress = reporter.progress(100, '(a) ');
    progress.update(10);
    reporter.step('other');
    progress.update(20);
    progress.end();
    expect(steps.text).toBe('(a) 0%....10%\nother\n(a) ....20%\n');
  });

  test('nothing is shown when the size is not known, or of a second transfer at the same time', () => {
    const { reporter, steps } = setUp();
    const unknown = reporter.progress(undefined);
    unknown.update(100);
    unknown.end();
    const first = reporter.progress(100);
    const second = reporter.progress(100);
    second.update(100);
    second.end();
    first.update(10);
    first.end();
    expect(steps.text).toBe('0%....10%\n');
  });

  test('stdout in a file gets it also when stderr is a terminal', () => {
    const steps = new TextSink();
    const stderr = new TextSink({ columns: 80 });
    const reporter = createReporter({ steps, stderr, debug: false, env: {}, monotonic: () => 0 });
    const progress = reporter.progress(100);
    progress.update(10);
    progress.end();
    expect({ steps: steps.text, stderr: stderr.text }).toEqual({ steps: '0%....10%\n', stderr: '' });
  });

  test.each([{ NO_COLOR: '1' }, { TERM: 'dumb' }])('%j on a terminal asks for the same', (env) => {
    const { reporter, steps, stderr } = setUp({ terminal: 80, env });
    const progress = reporter.progress(100);
    progress.update(10);
    progress.end();
    expect(steps.text).toBe('0%....10%\n');
    expect(stderr.text).toBe('');
  });
});

describe('progress on a terminal', () => {
  test('is a bar on stderr with bytes, speed and time left', () => {
    const { reporter, steps, stderr, time } = setUp({ terminal: 100 });
    const progress = forMachine(reporter, 'dev').progress(60 * MIB);
    progress.update(0);
    time.ms = 1000;
    progress.update(15 * MIB);
    time.ms = 1050;
    progress.update(16 * MIB);
    time.ms = 4000;
    progress.update(60 * MIB);
    progress.end();
    expect(stderr.text.split('\r\x1b[K').slice(1)).toEqual([
      '(dev)   0% [                                        ] 0.0 of 60.0 MiB',
      '(dev)  25% [=========>                              ] 15.0 of 60.0 MiB, 15.0 MiB/s, 3 s left',
      '(dev) 100% [========================================] 60.0 of 60.0 MiB, 15.0 MiB/s',
      '(dev) 100% [========================================] 60.0 of 60.0 MiB, 15.0 MiB/s\n',
    ]);
    expect(steps.text).toBe('');
  });

  test.each([10, 40, 60, 80, 200])('never fills a terminal of %i columns', (columns) => {
    const { reporter, stderr, time } = setUp({ terminal: columns });
    const progress = forMachine(reporter, 'a-machine-with-a-name').progress(6000 * MIB);
    for (let at = 0; at <= 10; at += 1) {
      time.ms = at * 60_000;
      progress.update(at * 6 * MIB);
    }
    progress.end();
    for (const line of stderr.text.split('\r\x1b[K')) expect(line.trimEnd().length).toBeLessThan(columns);
  });

  test('gives way to a line and comes back', () => {
    const { reporter, steps, stderr, time } = setUp({ terminal: 60 });
    const progress = reporter.progress(undefined);
    progress.update(MIB);
    reporter.step('other');
    expect(stderr.text.endsWith('\r\x1b[K')).toBe(true);
    expect(steps.text).toBe('other\n');
    time.ms = 50;
    progress.update(2 * MIB);
    expect(stderr.text.endsWith('\r\x1b[K2.0 MiB')).toBe(true);
  });

  test('speed is that of the last seconds', () => {
    const { reporter, stderr, time } = setUp({ terminal: 120 });
    const progress = reporter.progress(1000 * MIB);
    for (let second = 0; second <= 30; second += 1) {
      time.ms = second * 1000;
      progress.update((second < 20 ? second * 10 : 200 + (second - 20)) * MIB);
    }
    expect(stderr.text.endsWith('210.0 of 1000.0 MiB, 1.0 MiB/s, 14 min left')).toBe(true);
  });
});
