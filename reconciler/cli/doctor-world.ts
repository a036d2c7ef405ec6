// What the probes of `kokoa doctor` share.
import { readFile } from 'node:fs/promises';
import type { Desired } from '../core/desired.ts';
import type { DoctorOptions } from './doctor-options.ts';

export interface DoctorWorld {
  options: DoctorOptions;
  branch: string;
  /** Of the data; undefined: it could not be read. */
  desired: Desired | undefined;
  version: string;
  now(): number;
}

export async function textIn(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : readFile(file, 'utf8');
}
