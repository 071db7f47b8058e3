import { afterEach, beforeEach, test } from '@jest/globals';
import { describeHere } from '../support/describe-here.js';
import { ALL_KILL_POINTS, removeAfterKill, surviveKill } from '../support/kill-matrix.js';
import { noVirtualBoxLab, VirtualBoxLab } from '../support/virtualbox-lab.js';

describeHere('P28: kill -9 at every call of create on a real VirtualBox', noVirtualBoxLab(), () => {
  let lab: VirtualBoxLab;

  beforeEach(async () => {
    lab = await VirtualBoxLab.open();
  });
  afterEach(() => lab?.close());

  test.each(ALL_KILL_POINTS)('$when call $call, then create and rm: nothing is left', (point) =>
    surviveKill(lab, point),
  );
  test.each(ALL_KILL_POINTS)('$when call $call, then rm: nothing is left', (point) =>
    removeAfterKill(lab, point),
  );
});
