// Every rule that the data is judged by. An id never changes its meaning and is never used again; `kokoa explain` prints these.
// Groups: KK0xx YAML, KK1xx files and schema, KK2xx hostnames, KK3xx routes against the rest, KK4xx the fleet.

export interface Rule {
  title: string;
  /** What goes wrong without it. */
  why: string;
  /** What to change. */
  fix: string;
}

export const rules = {
  KK001: {
    title: 'too large',
    why: 'Every limit is there so that one file cannot take the memory or the time of all others.',
    fix: 'Split the file: one hostname or one machine per file, without pasted data.',
  },
  KK002: {
    title: 'empty file',
    why: 'A file without content is more often an accident than a wish.',
    fix: 'Write the content, or delete the file.',
  },
  KK003: {
    title: 'not UTF-8 text',
    why: 'Bytes that are no text cannot be reviewed, and programs disagree about them.',
    fix: 'Save the file as UTF-8 text.',
  },
  KK004: {
    title: 'invisible or control character',
    why: 'Such characters make a line look different from what it does, for a reviewer and on a terminal.',
    fix: 'Delete the character. It often comes with text that was copied from a web page.',
  },
  KK005: {
    title: 'too deep',
    why: 'Nothing here needs more than a few levels, and deep nesting exhausts programs that read it.',
    fix: 'Look for a bracket or an indentation that is repeated by mistake.',
  },
  KK006: {
    title: 'not valid YAML',
    why: 'A file that can be read in two ways cannot be reviewed.',
    fix: 'Correct the line. Text with special characters is safe in single quotes.',
  },
  KK007: {
    title: 'anchor or alias',
    why: 'Repeated parts hide what a line means, and a few lines can stand for gigabytes.',
    fix: "Write the value out. A name that starts with * needs quotes: '*.hoge.com'.",
  },
  KK008: {
    title: 'tag',
    why: 'Tags change the meaning of a value in ways that differ between programs.',
    fix: 'Delete the tag. To make text of a number, put it in quotes.',
  },
  KK009: {
    title: 'directive',
    why: 'Directives switch the YAML version and with it what words such as "on" mean.',
    fix: 'Delete the line that starts with %.',
  },
  KK010: {
    title: 'several documents',
    why: 'Programs disagree on which document of a file counts.',
    fix: 'Keep one document per file: delete the --- or ... in the middle.',
  },
  KK011: {
    title: 'merge key',
    why: 'YAML 1.2 has no merge keys, so programs disagree about them.',
    fix: 'Write the properties out.',
  },
  KK012: {
    title: 'duplicate key',
    why: 'Programs disagree on which of the two counts.',
    fix: 'Keep one of them.',
  },
  KK013: {
    title: 'reserved key',
    why: 'These names have a meaning of their own inside programs that read the file.',
    fix: 'Choose another name.',
  },
  KK014: {
    title: 'key that is no text',
    why: 'A key that is a number, a list or nothing turns into different text in different programs.',
    fix: 'Put the key in quotes, or correct the line.',
  },
  KK015: {
    title: 'number in an unusual form',
    why: 'Forms such as 0x1F90, 017, 1e3 or 8080.0 are different numbers, or no numbers, to different programs.',
    fix: 'Write a plain whole number, or put quotes around text.',
  },
  KK016: {
    title: 'more problems than are shown',
    why: 'The list for one file is cut, so that one broken file does not bury the others.',
    fix: 'Correct the first ones and run it again.',
  },

  KK101: {
    title: 'file in an unexpected place',
    why: 'The place of a file says what it is and which team it belongs to.',
    fix: 'Move it: routes/TEAM/NAME.yaml, origins/NAME.yaml, edges/NAME.yaml, or kokoa.yaml at the top.',
  },
  KK102: {
    title: 'other spelling of .yaml',
    why: 'With one spelling there is one place to look, and never two files for one name.',
    fix: 'Rename the file so that it ends in .yaml.',
  },
  KK103: {
    title: 'file that nobody reads',
    why: 'Somebody may believe that it has an effect.',
    fix: 'Rename it so that it ends in .yaml, or move it elsewhere. README.md and files with a leading dot are fine.',
  },
  KK104: {
    title: 'not a plain file',
    why: 'A link, a device or an unreadable file does not show in a review what it holds.',
    fix: 'Put a plain, readable file in its place.',
  },
  KK111: {
    title: 'wrong type',
    why: 'The value cannot be used as what it should be.',
    fix: 'Write the kind of value that is expected.',
  },
  KK112: {
    title: 'unknown property',
    why: 'A property that is spelled wrong would silently have no effect.',
    fix: 'Correct the spelling, or delete the line.',
  },
  KK113: {
    title: 'missing property',
    why: 'The file says nothing useful without it.',
    fix: 'Add the property.',
  },
  KK114: {
    title: 'unknown word',
    why: 'Only the listed words have a meaning.',
    fix: 'Use one of them.',
  },
  KK115: {
    title: 'wrong form',
    why: 'The text would not be understood where it is used.',
    fix: 'Follow the example in the message.',
  },
  KK116: {
    title: 'number out of range',
    why: 'Outside its range the number has no meaning, or would harm.',
    fix: 'Choose a number inside the range.',
  },
  KK117: {
    title: 'too short or too long',
    why: 'Lists, maps and text have bounds, so that nothing grows without end.',
    fix: 'Shorten it, or add what is missing.',
  },
  KK118: {
    title: 'repeated entry',
    why: 'The second entry has no effect; often another one was meant.',
    fix: 'Delete or correct one of them.',
  },

  KK201: {
    title: 'not a hostname',
    why: 'DNS and certificate authorities accept letters, digits and dashes, in two or more parts.',
    fix: 'Write the bare name, such as app.hoge.com: no https://, port, path or underscore.',
  },
  KK202: {
    title: 'IP address as a hostname',
    why: 'Certificates and the choice of a route need a name.',
    fix: 'Use a name, and point its DNS record at the pool.',
  },
  KK203: {
    title: 'public suffix',
    why: 'Names such as co.uk belong to nobody, or to everybody who registers below them.',
    fix: 'Use the domain that you registered below it.',
  },
  KK204: {
    title: 'wildcard in the wrong place',
    why: 'A wildcard stands for exactly the first part of a name.',
    fix: "Write '*.' once, in front of a full name: '*.app.hoge.com'.",
  },

  KK301: {
    title: 'unknown team',
    why: 'Without a team nobody has granted the hostname.',
    fix: 'Use the folder of an existing team, or ask an operator to add the team to kokoa.yaml.',
  },
  KK302: {
    title: 'hostname not granted to the team',
    why: 'A team could otherwise take the names of another one.',
    fix: 'Use a granted name, or ask an operator to add it to teams[].hostnames in kokoa.yaml.',
  },
  KK303: {
    title: 'hostname claimed twice',
    why: 'Visitors of one name must always come to one place.',
    fix: 'Delete one of the files.',
  },
  KK304: {
    title: 'unknown origin',
    why: 'There is no machine to send the visitors to.',
    fix: 'Name a file in origins/, or add one with kokoa origin add.',
  },
  KK305: {
    title: 'origin does not list the team',
    why: 'The owner of a machine decides who may point at it.',
    fix: "Ask the origin's owner to add the team to teams in its file.",
  },
  KK306: {
    title: 'unknown pool',
    why: 'There are no edges that would serve it.',
    fix: 'Name a pool of kokoa.yaml, or leave the property out for the first one.',
  },
  KK307: {
    title: 'burst without requestsPerSecond',
    why: 'A burst is counted on top of a rate; alone it has no effect.',
    fix: 'Add requestsPerSecond beside it.',
  },

  KK401: {
    title: 'no kokoa.yaml',
    why: 'Without it no team, pool or network exists.',
    fix: 'Run the command in the folder that holds kokoa.yaml, or write one.',
  },
  KK402: {
    title: 'name differs from the file name',
    why: 'The file is what people look for when they read the name.',
    fix: 'Rename the file or correct the name.',
  },
  KK403: {
    title: 'name used twice',
    why: 'Everything else refers to it by this name: a machine, a team, a zone, a pool.',
    fix: 'Choose another name for one of them.',
  },
  KK404: {
    title: 'unusable tunnel network',
    why: 'Every machine gets its address from it, and it must not hide addresses of the internet.',
    fix: 'Use a private network such as 10.100.0.0/16, between /8 and /29.',
  },
  KK405: {
    title: 'address outside the tunnel network',
    why: 'Peers send and accept only addresses inside network.wireguard.',
    fix: 'Choose a free host address inside the network.',
  },
  KK406: {
    title: 'tunnel address used twice',
    why: 'WireGuard silently gives the address to one of the two.',
    fix: 'Choose a free address for one of them.',
  },
  KK407: {
    title: 'token used twice',
    why: 'A token says which machine is asking.',
    fix: 'Make a new token for one of them with kokoa edge add or kokoa origin add.',
  },
  KK408: {
    title: 'public key used twice',
    why: 'A key is one machine; two machines with one key push each other out of the tunnel.',
    fix: 'Remove the key from one of them: the machine announces its own.',
  },
  KK409: {
    title: 'machine without a token',
    why: 'It counts as revoked: it gets no configuration and no tunnel.',
    fix: 'Add the sha256 of its token, or write state: revoked to say that it is meant.',
  },
  KK410: {
    title: 'endpoint that nobody can dial',
    why: 'Edges dial exactly this address.',
    fix: "Write ADDRESS:PORT, such as 203.0.113.7:51820 or '[2001:db8::7]:51820'.",
  },
  KK411: {
    title: 'URL that nobody can open',
    why: 'Machines use it as it stands.',
    fix: 'Correct the URL.',
  },
  KK412: {
    title: 'control plane without TLS',
    why: 'Machines would send their tokens readable over the network.',
    fix: 'Use https://. Plain http:// is for a control plane on the same machine.',
  },
} as const satisfies Record<string, Rule>;

export type RuleId = keyof typeof rules;
