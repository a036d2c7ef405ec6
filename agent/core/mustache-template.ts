// Text from templates. Law: a value enters a template only through the allow-list of its context, and what does not match
// throws before any text is made; so no value can end a directive or begin one.
import mustache from 'mustache';
import { isCanonicalHostname } from '../../bundle/certificate-name.ts';
import { KokoaError } from '../../bundle/error.ts';
import { isEdgeHeaderValue } from './upstream-headers.ts';

/** As the schema of a chunk has it. */
const PAGE_CHARACTERS_MAX = 4_000;
/** As the agent names them (nginx-upstreams.ts). */
const UPSTREAM = /^(?:[0-9a-f]{24}|[0-9a-f]{3}-[0-9.]{7,15}-[0-9]{1,5})$/;
const ENDPOINT = /^(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9a-f:.]{2,45}\]):[1-9][0-9]{0,4}$/;

/**
 * What may stand where. Nothing here holds a space, a quote, a semicolon, a brace, a dollar, a backslash or a control; but `text`, which
 * stands inside double quotes, holds all of these except dollar, backslash and control, and `edgeHeader` is one of our own constants.
 */
const ALLOWED = {
  hostname: isCanonicalHostname,
  /** IPv4, or IPv6 in brackets, and a port. */
  endpoint: matches(ENDPOINT),
  /** Absolute, without `..`, short enough for a socket address beside it. */
  path: isPath,
  /** A listening socket of ours. */
  socket: (value: string) => value.startsWith('unix:') && isPath(value.slice('unix:'.length)),
  /** Names that this agent makes or that name a local account. */
  name: matches(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/),
  /** RFC 7638: base64url of a sha256. */
  thumbprint: matches(/^[A-Za-z0-9_-]{43}$/),
  number: matches(/^(?:0|[1-9][0-9]{0,15})$/),
  /** The name of an upstream, or where one target is. */
  upstream: (value: string) => UPSTREAM.test(value) || ENDPOINT.test(value),
  /** CIDR. */
  network: matches(/^(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f:]{2,39})\/[0-9]{1,3}$/),
  /** Parts of a path that mean themselves in every spelling. */
  prefix: (value: string) =>
    /^(?:\/[A-Za-z0-9._~@:+,=!-]+){1,6}$/.test(value) && !/\/\.{1,2}(?:\/|$)/.test(value) && value.length <= 200,
  urlPath: matches(/^\/[A-Za-z0-9/._~-]{0,199}$/),
  redirect: (value: string) =>
    /^https?:\/\/[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:\/[A-Za-z0-9._~!*+,:@%&=/-]*)?(?:\?[A-Za-z0-9._~!*+,:@%&=/?-]*)?$/.test(
      value,
    ) && value.length <= 500,
  /** A header's name (RFC 9110 §5.1), of those the characters that nginx passes on. */
  headerName: matches(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,42}[A-Za-z0-9])?$/),
  /** The same as the end of a variable's name. */
  headerVariable: matches(/^[a-z0-9](?:[a-z0-9_]{0,62}[a-z0-9])?$/),
  text: matches(/^[ -#%-[\]-~]{0,1000}$/),
  edgeHeader: isEdgeHeaderValue,
  /** A file of its own, which nobody reads as configuration. */
  page: (value: string) => value.length <= PAGE_CHARACTERS_MAX,
} satisfies Record<string, (value: string) => boolean>;

export type ValueContext = keyof typeof ALLOWED;

/** A value and where it is meant to stand. Made by `as`. */
export interface ContextValue {
  readonly context: ValueContext;
  readonly value: string;
}

export type View = { readonly [name: string]: ContextValue | boolean | View | readonly View[] };

/**
 * Renders a mustache template. Every tag must name a value that `as` made; unescaped tags, partials and changed delimiters are refused.
 * @throws KokoaError unsafe_value, template_invalid
 */
export function renderTemplate(template: string, view: View): string {
  const writer = new mustache.Writer();
  refuseUncheckedTags(writer.parse(template));
  return writer.render(template, new StrictContext(view), undefined, { escape: checkedText });
}

/** Says where a value will stand; the check itself comes when it gets there. */
export function as(context: ValueContext, value: string | number): ContextValue {
  return { context, value: String(value) };
}

/** The value itself, when its context allows it. @throws KokoaError unsafe_value */
export function allowed(context: ValueContext, value: string): string {
  if (typeof value === 'string' && ALLOWED[context](value)) return value;
  throw new KokoaError('unsafe_value', `found ${shown(value)} where a ${context} is expected`, {
    hint: 'nothing was rendered; correct the value at its source',
  });
}

/** Whether every value of a view may stand where it is meant to. @throws KokoaError unsafe_value for the first that may not */
export function checkView(view: View): void {
  for (const value of Object.values(view)) {
    if (typeof value === 'boolean') continue;
    if (Array.isArray(value)) value.forEach(checkView);
    else if (isContextValue(value)) allowed(value.context, value.value);
    else checkView(value as View);
  }
}

/** A tag that names nothing is a mistake, not an empty text. */
class StrictContext extends mustache.Context {
  override push(view: unknown): StrictContext {
    return new StrictContext(view, this);
  }

  override lookup(name: string): unknown {
    const value: unknown = super.lookup(name);
    if (value === undefined)
      throw new KokoaError('template_invalid', `the template names ${shown(name)}, which is not given`);
    return value;
  }
}

function checkedText(value: unknown): string {
  if (!isContextValue(value))
    throw new KokoaError('template_invalid', `found ${shown(value)} without a context`, {
      hint: 'wrap the value by as()',
    });
  const { context, value: text } = value;
  const checked = allowed(context, text);
  return context === 'text' ? checked.replaceAll('"', '\\"') : checked;
}

function isContextValue(value: unknown): value is ContextValue {
  return typeof value === 'object' && value !== null && 'context' in value && 'value' in value;
}

/** Token: [type, name, start, end, children?]. The types are mustache's own. */
type Token = [string, string, number, number, Token[]?];

function refuseUncheckedTags(tokens: Token[]): void {
  for (const [type, name, , , children] of tokens) {
    if (type === '&' || type === '>' || type === '=')
      throw new KokoaError('template_invalid', `the tag ${shown(`${type} ${name}`)} would go round the check`, {
        hint: 'only {{name}}, {{#section}}, {{^section}} and {{! comment}} are allowed',
      });
    if (children) refuseUncheckedTags(children);
  }
}

function isPath(value: string): boolean {
  return /^(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/.test(value) && value.length <= 512;
}

function matches(pattern: RegExp): (value: string) => boolean {
  return (value) => pattern.test(value);
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? String(value)).slice(0, 120);
}
