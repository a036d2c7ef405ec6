// One field of the reference as Markdown: what it is, what it does, what enforces it, an example. Law: lines end before column
// 131, so that the page can be read in a terminal.
import { stringify } from 'yaml';
import { type Field, resolve, type SchemaNode } from './reference-fields.ts';

const COLUMNS = 128;
/** Between facts; a line may end with it, none begins with it. */
const SEPARATOR = '·';
/** A value of more characters is shown by its beginning. */
const SHOWN_CHARS_MAX = 80;
const CUT_CHARS = 40;

const DEFAULT_SENTENCE = / Default:? .*?\.(?= |$)/;

/** Who enforces a field when it is not nginx. */
const OTHERS: Record<string, string> = {
  reconciler: 'the reconciler',
  agent: 'the agent',
  nftables: "the origin's packet filter",
};

/** Texts of one kind, which several fields share. */
const KINDS: Record<string, string> = {
  name: 'name',
  network: 'network',
  duration: 'duration',
  urlPath: 'URL path',
  headerName: 'header name',
};

/** Heading, effect and facts of a field. A field of the top level also shows its examples as YAML. */
export function fieldText(field: Field): string {
  const { name, node, sameAs } = field;
  const top = !name.includes('.');
  // The default stands below, as a fact of its own; editors show the description alone.
  const effect = (node.description ?? '').replace(DEFAULT_SENTENCE, '');
  const blocks = top ? (node.examples ?? []).filter(isBlock).map((example) => yamlBlock(name, example)) : [];
  const facts = [
    typeText(node),
    defaultText(field),
    enforcedText(node['x-directive'] ?? []),
    ...(blocks.length > 0 ? [] : exampleText(name, node.examples?.[0])),
    ...(sameAs === undefined ? [] : [`its parts are those of ${linkTo(sameAs)}`]),
  ];
  return [`${top ? '###' : '####'} \`${name}\``, wrap(effect), wrap(facts.join(` ${SEPARATOR} `)), ...blocks].join(
    '\n\n',
  );
}

/** A field as one entry of a list, for pages that hold several kinds of files. */
export function fieldEntry(field: Field): string {
  const { name, node, required } = field;
  const known = node.default !== undefined || node['x-default'] !== undefined;
  const facts = [typeText(node), ...(required || known ? [defaultText(field)] : [])].join(', ');
  const effect = known ? (node.description ?? '').replace(DEFAULT_SENTENCE, '') : (node.description ?? '');
  const example =
    node.examples === undefined
      ? ''
      : ` Such as ${exampleText(name, node.examples[0]).join('').slice('such as '.length)}.`;
  return wrap(`- **\`${name}\`** (${facts}): ${effect}${example}`, '  ');
}

/** The kinds of text, one line each. */
export function kindsText(schema: SchemaNode): string {
  const lines = Object.entries(KINDS).map(([definition, kind]) => {
    const node = resolve(schema, { $ref: `#/definitions/${definition}` });
    return wrap(`- **${kind}**: ${node.description ?? ''} Such as ${code(node.examples?.[0])}.`, '  ');
  });
  return lines.join('\n');
}

/** Links to the fields of the top level. */
export function fieldLinks(fields: readonly Field[], indent: string): string {
  const links = fields.filter(({ name }) => !name.includes('.')).map(({ name }) => linkTo(name));
  return wrap(links.join(` ${SEPARATOR} `), indent);
}

/** Breaks at spaces only, so that a word longer than a line stands alone; never at a space in `code` or inside a link. */
export function wrap(text: string, indent = ''): string {
  const words = text.match(/(?:`[^`]*`|\[[^\]]*\]\([^)]*\)|[^\s`[]|\[)+/g) ?? [];
  const lines: string[] = [];
  let line = '';
  for (const word of words) {
    const start = lines.length === 0 ? '' : indent;
    if (line !== '' && word !== SEPARATOR && start.length + line.length + 1 + word.length > COLUMNS) {
      lines.push(start + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, (lines.length === 0 ? '' : indent) + line].join('\n');
}

function typeText(node: SchemaNode): string {
  if (node.enum !== undefined) {
    const words = node.enum.map(code);
    if (words.length === 1) return words[0]!;
    return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
  }
  if (node.type === 'boolean') return '`true` or `false`';
  if (node.type === 'integer') return `whole number, ${node.minimum} to ${node.maximum}`;
  if (node.type === 'array') {
    const kind = node.items === undefined ? undefined : kindOf(node.items);
    const other = itemsText(node.items);
    const size = node.minItems === undefined ? `at most ${node.maxItems}` : `${node.minItems} to ${node.maxItems}`;
    return `list of ${size} ${kind === undefined ? other : `${kind}s`}`;
  }
  if (node.type === 'object') return node.properties === undefined ? 'names, each with a text' : 'block';
  const kind = kindOf(node);
  if (kind !== undefined) return kind;
  if (node.maxLength === undefined) return 'text';
  const size = node.minLength === undefined ? `at most ${node.maxLength}` : `${node.minLength} to ${node.maxLength}`;
  return `text of ${size} characters`;
}

function itemsText(items: SchemaNode | undefined): string {
  if (items?.type === 'integer') return `whole numbers, ${items.minimum} to ${items.maximum}`;
  return items?.$ref === undefined && items?.properties === undefined ? 'texts' : 'blocks';
}

/** The word for a text of a shared kind, such as `duration`. */
function kindOf(node: SchemaNode): string | undefined {
  return KINDS[node.$ref?.replace(/^.*#\/definitions\//, '') ?? ''];
}

function defaultText({ required, node }: Field): string {
  if (required) return '**required**';
  const words = node.default === undefined ? node['x-default'] : code(node.default);
  return words?.startsWith('required') ? words : `default: ${words}`;
}

function enforcedText(directives: readonly string[]): string {
  const nginx = directives.filter((word) => !(word in OTHERS)).map((word) => `\`${word}\``);
  const others = directives.flatMap((word) => OTHERS[word] ?? []);
  return [...(nginx.length > 0 ? [`nginx: ${nginx.join(', ')}`] : []), ...others].join('; ');
}

function exampleText(name: string, example: unknown): string[] {
  const key = name.split('.').at(-1)!;
  if (typeof example === 'string' && (example.length > SHOWN_CHARS_MAX || example.includes('\n')))
    return [`such as \`${key}: ${example.split('\n')[0]!.slice(0, CUT_CHARS)}…\``];
  const text = stringify({ [key]: example }, { collectionStyle: 'flow', lineWidth: 0, singleQuote: true }).trim();
  return [`such as \`${text.replace(/^\{ (.*) \}$/, '$1')}\``];
}

function yamlBlock(name: string, example: unknown): string {
  return `\`\`\`yaml\n${stringify({ [name]: example }, { lineWidth: 0, singleQuote: true })}\`\`\``;
}

function isBlock(example: unknown): boolean {
  return typeof example === 'object' && example !== null;
}

function linkTo(name: string): string {
  return `[\`${name}\`](#${name.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '')})`;
}

function code(value: unknown): string {
  return `\`${value}\``;
}
