// Runs one command in this process, as main.ts would, and answers what a shell would see of it.
import { Command } from 'commander';
import { vi } from 'vitest';
import { failureText, KokoaError } from '../../bundle/error.ts';

export interface Ran {
  stdout: string;
  stderr: string;
  exitCode: number;
}

export async function runCommand(register: (program: Command) => void, args: readonly string[]): Promise<Ran> {
  const shown = { stdout: '', stderr: '' };
  const show = (stream: keyof typeof shown) => (text: unknown) => {
    shown[stream] += text;
    return true;
  };
  const line = (stream: keyof typeof shown) => (text: unknown) => void show(stream)(`${text}\n`);
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(line('stdout')),
    vi.spyOn(console, 'error').mockImplementation(line('stderr')),
    vi.spyOn(process.stdout, 'write').mockImplementation(show('stdout')),
    vi.spyOn(process.stderr, 'write').mockImplementation(show('stderr')),
  ];
  process.exitCode = undefined;
  const program = new Command('kokoa').exitOverride((error) => {
    throw error;
  });
  register(program);
  try {
    const exitCode = await program.parseAsync([...args], { from: 'user' }).then(
      () => Number(process.exitCode ?? 0),
      (error: unknown) => {
        if (!(error instanceof KokoaError)) throw error;
        shown.stderr += `${failureText(error)}\n`;
        return error.code === 'usage' ? 2 : 1;
      },
    );
    return { ...shown, exitCode };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.exitCode = undefined;
  }
}
