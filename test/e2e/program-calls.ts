// Writes down with which arguments and environment programs are run: each name in a folder that stands first in PATH leads to a script
// that says so and becomes the program. What it says goes through a pipe, because a sandboxed program writes no file.
import { constants, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { delimiter, join } from 'node:path';
import { execaSync } from 'execa';

/** One write for each call, so that calls at the same time stay apart (pipe(7): up to 4096 bytes). */
const SCRIPT = `#!/bin/sh
said="CALL \${0##*/} $*
$(tr '\\0' '\\n' < /proc/$$/environ)"
printf '%s\\n' "$said" 1<> PIPE
exec "FOLDER/real-\${0##*/}" "$@"
`;

export interface Call {
  program: string;
  /** The whole line of arguments. */
  args: string;
  environment: string;
}

export interface ProgramCalls {
  seen(): Call[];
  stop(): void;
}

/** From now on, for what inherits this process's PATH. `folder` must not exist and must stay visible to the programs. */
export function watchPrograms(folder: string, names: readonly string[]): ProgramCalls {
  mkdirSync(folder, { mode: 0o755 });
  const pipe = join(folder, 'pipe');
  execaSync('mkfifo', ['-m', '0666', pipe]);
  const script = SCRIPT.replace('PIPE', pipe).replace('FOLDER', folder);
  const before = process.env.PATH ?? '';
  for (const name of names) {
    const { stdout } = execaSync('sh', ['-c', 'command -v -- "$1"', 'sh', name], {
      env: { PATH: [before, '/usr/sbin', '/sbin'].join(delimiter) },
    });
    symlinkSync(stdout.trim(), join(folder, `real-${name}`));
    writeFileSync(join(folder, name), script, { mode: 0o755 });
  }
  // Both ends: it never ends, and nobody waits for a reader.
  const reader = new Socket({ fd: openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK), writable: false });
  let said = '';
  reader.setEncoding('latin1');
  reader.on('data', (part: string) => {
    said += part;
  });
  process.env.PATH = [folder, before].join(delimiter);
  return {
    seen: () => said.split('CALL ').slice(1).map(readCall),
    stop() {
      process.env.PATH = before;
      reader.destroy();
    },
  };
}

function readCall(text: string): Call {
  const [first = '', ...rest] = text.split('\n');
  const [program = '', ...args] = first.split(' ');
  return { program, args: args.join(' '), environment: rest.join('\n') };
}
