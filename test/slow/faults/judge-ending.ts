// Judges how a command ended under an error of the disk: well, or with one plain message that names the error and the place.
import type { FaultKind } from './fault-kinds.ts';
import { DISK_WORDS } from './judge-log.ts';
import type { StartedProgram } from './started-program.ts';

/** @throws Error when it failed and does not say why in the words of an error of ours */
export function judgeEnding(program: StartedProgram, folder: string, kind: FaultKind): void {
  if (kind === 'KILL' || program.exitCode() === 0) return;
  const said = program.said();
  if (program.exitCode() === undefined) throw new Error(`it was ended by a signal: ${said.slice(-1_000)}`);
  // Lines may be folded.
  const message = said.slice(said.indexOf('error: ')).split(/\s+/).join(' ');
  const [whole, todo] = /^error: .*? \([a-z_]+\)(.*)$/.exec(message) ?? [];
  if (whole === undefined) throw new Error(`it gave no error of ours: ${said.slice(-1_000)}`);
  const isPlain = (whole.includes(kind) || DISK_WORDS.test(whole)) && whole.includes(folder);
  if (!isPlain) throw new Error(`names no ${kind} or no place: ${whole}`);
  if (todo?.trim() === '') throw new Error(`it does not say what to do: ${whole}`);
}
