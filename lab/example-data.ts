// The example data of this repository, with a lab's own control plane, CA and tokens: what a lab's git repository begins with.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TOP = fileURLToPath(new URL('..', import.meta.url));
const NETWORK = '10.100.';
const TOP_FILES = ['kokoa.yaml', 'routes/hoge/app.hoge.com.yaml', 'routes/fuga/wiki.fuga.com.yaml'];

/** Slot → where its file is. */
export const SLOT_FILES = {
  'tokyo-1': 'edges/tokyo-1.yaml',
  'osaka-1': 'edges/osaka-1.yaml',
  home: 'origins/home.yaml',
  office: 'origins/office.yaml',
} as const;
export type SlotName = keyof typeof SLOT_FILES;

export interface ExampleOptions {
  controlUrl: string;
  acmeServer: string;
  /** Replaces `10.100.` of every tunnel address. */
  network?: string;
  /** Slot → sha256 of its token. */
  tokens: Readonly<Record<SlotName, string>>;
}

/** Path in the repository → content. */
export function exampleData(options: ExampleOptions): Record<string, string> {
  const { controlUrl, acmeServer, network = NETWORK, tokens } = options;
  const files: Record<string, string> = {};
  for (const path of TOP_FILES) files[path] = readFileSync(join(TOP, path), 'utf8');
  for (const [slot, path] of Object.entries(SLOT_FILES)) {
    const text = readFileSync(join(TOP, path), 'utf8');
    files[path] = text.replace(/^token: .*$/m, `token: sha256:${tokens[slot as SlotName]}`);
  }
  files['kokoa.yaml'] = files['kokoa.yaml']!.replace(/^( {4}- )https:.*$/m, `$1${controlUrl}`).replace(
    /^( {2}server: ).*$/m,
    `$1${acmeServer}`,
  );
  for (const [path, text] of Object.entries(files)) files[path] = text.replaceAll(NETWORK, network);
  return files;
}

/** A route file as a team member writes it. */
export function routeFile(hostname: string, origin: string, port: number): string {
  return `hostname: ${hostname}\norigin: ${origin}\nport: ${port}\n`;
}
