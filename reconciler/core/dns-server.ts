// `server` of a zone: the address of its primary, and a port.
const PORT = 53;

/** Undefined for anything that is no address with or without a port. */
export function readServer(text: string): { address: string; port: number } | undefined {
  const found = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::([0-9]{1,5}))?$/.exec(text);
  const address = found?.[1] ?? found?.[2];
  const port = Number(found?.[3] ?? PORT);
  if (address === undefined || port < 1 || port > 65_535 || !isAddress(address)) return undefined;
  return { address, port };
}

function isAddress(text: string): boolean {
  return URL.canParse(`http://${text.includes(':') ? `[${text}]` : text}/`) && !/^[0-9]+(\.[0-9]+){0,2}$/.test(text);
}
