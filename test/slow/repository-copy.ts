// Copies of the working tree to change templates in, so that nobody who works in the tree meets a change.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

export interface RepositoryCopies {
  folders: readonly string[];
  remove(): void;
}

/** `count` equal copies of what git keeps or would keep below `top`; modules are shared. */
export async function copiesOf(top: string, count: number): Promise<RepositoryCopies> {
  const { stdout } = await execa('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: top });
  const paths = stdout.split('\0').filter((path) => path !== '' && existsSync(join(top, path)));
  const parent = mkdtempSync(join(tmpdir(), 'kokoa-mutants-'));
  const remove = () => rmSync(parent, { recursive: true, force: true });
  const folders = Array.from({ length: count }, (_, index) => join(parent, `copy-${index + 1}`));
  try {
    const [first, ...others] = folders;
    for (const path of paths) {
      mkdirSync(dirname(join(first!, path)), { recursive: true });
      cpSync(join(top, path), join(first!, path), { recursive: true });
    }
    for (const other of others) cpSync(first!, other, { recursive: true });
    for (const folder of folders) symlinkSync(join(top, 'node_modules'), join(folder, 'node_modules'));
    return { folders, remove };
  } catch (error) {
    remove();
    throw error;
  }
}
