import type { DriverOption } from '../../core/driver.js';

export const NONE_OPTIONS: readonly DriverOption[] = [
  { name: 'url', type: 'string', default: '', help: 'URL of host when no driver is selected' },
];
