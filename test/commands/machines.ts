import { ensureCertificates } from '../../src/core/actions/certificates.js';
import type { EngineOptions, MachineRecord, SwarmOptions } from '../../src/core/machine.js';
import { machineRecord } from '../support/machine-record.js';
import type { TestApp } from '../support/test-app.js';

interface NoneMachine {
  readonly url?: string;
  readonly engine?: Partial<EngineOptions>;
  readonly swarm?: Partial<SwarmOptions>;
}

/** Puts a complete machine of the driver `none` into the test's store. */
export async function addMachine(test: TestApp, name: string, machine: NoneMachine = {}): Promise<void> {
  const { layout } = test.app.store;
  const url = machine.url ?? 'tcp://127.0.0.1:2376';
  const plain = machineRecord({
    name,
    layout,
    driver: {
      MachineName: name,
      StorePath: layout.root,
      URL: url,
      IPAddress: url.replace(/^tcp:\/\/([^@]*@)?/, ''),
    },
    notes: { journal: ['recorded', 'created', 'complete'] },
  });
  const record: MachineRecord = {
    ...plain,
    hostOptions: {
      ...plain.hostOptions,
      EngineOptions: { ...plain.hostOptions.EngineOptions, ...machine.engine },
      SwarmOptions: { ...plain.hostOptions.SwarmOptions, ...machine.swarm },
    },
  };
  await test.app.store.save(record);
  await ensureCertificates(test.app, record.hostOptions.AuthOptions, test.newCall().call);
}
