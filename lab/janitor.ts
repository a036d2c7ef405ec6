// What earlier runs left behind. A run writes who it is into its directory first and removes that directory last, so whatever exists
// of a run has an owner on record; only runs whose process is gone are touched, and kept ones only when asked.
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootId, identify, lives, type ProcessIdentity } from './process-table.ts';
import { DIRECTORY_NAME, RECORD, sweep } from './sweep.ts';

const PREFIX_PATTERN = /^k[0-9a-f]{4}$/;
/** A directory without a record is another run that is just starting, unless it is older than this. */
const STARTING_MS = 60_000;

/** Never alive: no process starts at this moment. */
const NOBODY: ProcessIdentity = { pid: 0, startTicks: 'never' };

interface RunRecord {
  prefix: string;
  owner: ProcessIdentity;
  boot: string;
  kept: boolean;
}

/** The directory of the run with this prefix. */
export function runDirectory(prefix: string): string {
  return join(tmpdir(), `${DIRECTORY_NAME}${prefix}`);
}

/** Makes the directory of a new run, owned by this process. @throws EEXIST when the prefix is taken. */
export function claimRun(prefix: string): string {
  const directory = runDirectory(prefix);
  mkdirSync(directory, { mode: 0o755 });
  writeRecord(directory, { prefix, owner: identify(process.pid) ?? NOBODY, boot: bootId(), kept: false });
  return directory;
}

/** From now on the run outlives its process, until `removeKept()`. */
export function markKept(prefix: string): void {
  const directory = runDirectory(prefix);
  const record = readRecord(directory);
  if (record !== undefined) writeRecord(directory, { ...record, kept: true });
}

/** Removes what runs left whose process is gone. Answers their prefixes. */
export function removeDead(): string[] {
  return removeWhere((record) => !record.kept);
}

/** Removes the kept runs whose process is gone, or only the one with `prefix`. Answers their prefixes. */
export function removeKept(prefix?: string): string[] {
  return removeWhere((record) => record.kept && (prefix === undefined || record.prefix === prefix));
}

function removeWhere(wanted: (record: RunRecord) => boolean): string[] {
  const removed: string[] = [];
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(DIRECTORY_NAME)) continue;
    const prefix = name.slice(DIRECTORY_NAME.length);
    if (!PREFIX_PATTERN.test(prefix)) continue;
    const directory = runDirectory(prefix);
    if (!isOwnDirectory(directory)) continue;
    const record = readRecord(directory) ?? abandoned(prefix, directory);
    if (record === undefined || ownerLives(record) || !wanted(record)) continue;
    const failures = sweep(prefix, directory);
    for (const failure of failures) console.error(`lab: left-over of run ${prefix}: ${failure}`);
    if (failures.length === 0) removed.push(prefix);
  }
  return removed;
}

function ownerLives(record: RunRecord): boolean {
  return record.boot === bootId() && lives(record.owner);
}

/** The temporary folder is everybody's: a link, or what another user made, is not looked into, still less emptied. */
function isOwnDirectory(directory: string): boolean {
  const stat = lstatSync(directory, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === process.getuid?.();
}

function readRecord(directory: string): RunRecord | undefined {
  try {
    return JSON.parse(readFileSync(join(directory, RECORD), 'utf8')) as RunRecord;
  } catch {
    return undefined;
  }
}

/** Temp file and rename: another run that looks meanwhile sees the whole record or none. */
function writeRecord(directory: string, record: RunRecord): void {
  const path = join(directory, RECORD);
  writeFileSync(`${path}.new`, JSON.stringify(record));
  renameSync(`${path}.new`, path);
}

/** A record for a directory that never got one, once it is too old to be a start in progress. */
function abandoned(prefix: string, directory: string): RunRecord | undefined {
  const stat = statSync(directory, { throwIfNoEntry: false });
  if (stat === undefined || Date.now() - stat.mtimeMs < STARTING_MS) return undefined;
  return { prefix, owner: NOBODY, boot: '', kept: false };
}
