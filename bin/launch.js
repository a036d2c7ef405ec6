// Starts a TypeScript entry under a Node that can run it. Plain JavaScript, because a shell may find Node 20 first.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
/** Parsed sources: the second start takes half as long. */
const compileCache = join(top, 'node_modules', '.cache', 'compile');

/** True for ^24.15 || >=26, the range in package.json. */
function runsTypeScript(version) {
  const [major, minor] = version.split('.').map(Number);
  return major >= 26 || (major === 24 && minor >= 15);
}

/** Runs `entry` (a path inside the repository) in this process when this Node can, else under the packaged one. */
export async function launch(entry) {
  const path = join(top, entry);
  if (runsTypeScript(process.versions.node)) {
    module.enableCompileCache?.(compileCache);
    process.argv[1] = path;
    await import(pathToFileURL(path).href);
    return;
  }
  const node = join(top, 'node_modules', '.bin', 'node');
  if (!existsSync(node)) {
    console.error(
      `Node ${process.versions.node} is too old (24.15 or newer is needed) and the packaged one is missing.\nRun: npm ci`,
    );
    process.exit(1);
  }
  const child = spawn(node, [path, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}
