import { expect, test } from '@jest/globals';
import { reportLines, reportOf } from '../../src/host/process-report.js';

test('a report becomes lines for the log', () => {
  const report = reportOf({
    file: '/usr/bin/VBoxManage',
    args: ['showvminfo', 'my vm'],
    elapsedMs: 41.6,
    outcome: 'exit code 1',
    stdout: '',
    stderr: 'VBoxManage: error: first\nsecond\u001b[31m\n',
  });
  expect(reportLines(report)).toEqual([
    '"/usr/bin/VBoxManage" "showvminfo" "my vm": exit code 1 after 42 ms',
    '  stderr: VBoxManage: error: first',
    '  stderr: second',
  ]);
});
