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
  KK017: {
    title: 'secret in the data',
    why: 'Everybody who reads the repository, now or later, has it. Deleting the line does not take it out of the history.',
    fix: 'Delete it, and change or revoke it if it was pushed. Logins: paste what kokoa seal prints, or name a secret. Other secrets stay with the service.',
  },
  KK018: {
    title: 'merge conflict',
    why: 'Two versions stand in one file, and nobody has decided which counts.',
    fix: 'Keep what is wanted of both, and delete the lines that git put around them.',
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
    fix: 'Choose another name when the other file was there first; of two new ones delete one.',
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

  KK308: {
    title: 'no destination, or half of one',
    why: 'A request must lead somewhere: to a port of a machine, to several, or to another URL.',
    fix: 'Write origin and port together, or backends, or redirect.',
  },
  KK309: {
    title: 'two destinations',
    why: 'Only one of them can be meant, and nobody should have to guess which.',
    fix: 'Keep origin and port, or backends, or redirect.',
  },
  KK310: {
    title: 'how to reach a backend, without a backend',
    why: 'A path without a destination of its own goes where the route goes, in the way the route says.',
    fix: 'Add origin and port to the path, or write the property on the route.',
  },
  KK311: {
    title: 'no effect beside a redirect',
    why: 'A redirect answers everybody at once, so no login is asked, no address is refused and no backend is reached.',
    fix: 'Delete it, or delete the redirect.',
  },
  KK312: {
    title: 'sticky beside a backup',
    why: 'nginx can keep a visitor on one backend, or hold one back for emergencies, not both.',
    fix: 'Delete sticky, or delete backup: true.',
  },
  KK313: {
    title: 'nothing but backups',
    why: 'A backup is asked when all others fail; without others nobody would be asked.',
    fix: 'Delete backup: true where the backend should be asked first.',
  },
  KK314: {
    title: 'unusable path prefix',
    why: 'A prefix that can be spelled in two ways lets a request reach the backend of another path.',
    fix: 'Write whole parts of a path, such as /api or /app/v2: no pattern, escape, dots or slash at the end.',
  },
  KK315: {
    title: 'path that the edge keeps',
    why: 'The edge answers there itself: login pages, and the proofs that a certificate authority asks for.',
    fix: 'Choose another prefix.',
  },
  KK316: {
    title: 'path prefix used twice',
    why: 'Only one of them could win. Case makes no difference here, because it makes none to some services.',
    fix: 'Keep one of them.',
  },
  KK317: {
    title: 'unusable backend address',
    why: 'An origin hands on requests to its own LAN or to itself, never to the internet, to other machines of the fleet or to a name.',
    fix: 'Write a private IPv4 address such as 192.168.1.20, or 127.0.0.1; delete the line to reach the origin itself.',
  },
  KK318: {
    title: 'neither an address nor a network',
    why: 'A list that decides who may come in must mean to the edge what it means to its readers.',
    fix: 'Write 203.0.113.7, 203.0.113.0/24 or 2001:db8::/32, each in its shortest spelling.',
  },
  KK319: {
    title: 'TLS to the backend, half said',
    why: 'Whether the certificate of a backend is judged, and by whom, is never guessed.',
    fix: 'Write protocol: https and originTls together, or neither.',
  },
  KK320: {
    title: 'own authority, half said',
    why: 'Certificates that are given but not used, or used but not given, judge nobody.',
    fix: 'Write verify: ca and ca together.',
  },
  KK321: {
    title: 'unusable certificates',
    why: 'Text that is no certificate would keep the edge from judging the backend at all.',
    fix: 'Paste the PEM blocks, from BEGIN CERTIFICATE to END CERTIFICATE, and nothing around them.',
  },
  KK322: {
    title: 'private key in the data',
    why: 'Whoever reads the repository, now or later, can pose as its owner. Deleting the line does not take it out of the history.',
    fix: 'Delete it, and make a new key if it was pushed. Certificates are pasted alone, and machines announce their public keys themselves.',
  },
  KK323: {
    title: 'header that a route does not change',
    why: 'It tells services who asks, belongs to one connection, or is a secret; a route could otherwise forge visitors.',
    fix: 'Delete it, or use the property that the message names.',
  },
  KK324: {
    title: 'unusable header value',
    why: 'Other characters end a header, are read differently by different programs, or mean something to the edge.',
    fix: 'Use printable ASCII without $ and backslash, and no space at an end.',
  },
  KK325: {
    title: 'header with two meanings',
    why: 'Set and removed, or set in two places: only one can win, and nobody should have to guess which.',
    fix: 'Keep one of them. Case makes no difference in names of headers.',
  },
  KK326: {
    title: 'preload without its conditions',
    why: 'Browsers take a name into their lists only with a year and its subdomains; the word alone has no effect.',
    fix: 'Write maxAge: 31536000 and includeSubDomains: true, or delete preload.',
  },
  KK327: {
    title: 'unusable redirect target',
    why: 'Browsers read odd URLs in different ways, and some characters mean something to the edge.',
    fix: 'Write an http or https URL, such as https://www.hoge.com.',
  },
  KK328: {
    title: 'redirect target with a path of its own',
    why: "The visitor's path and query are added to the target; after another path they would lead nowhere.",
    fix: 'Write the bare URL, or add keepPath: false to send everybody to exactly this place.',
  },
  KK329: {
    title: 'redirect to itself',
    why: 'Browsers would follow it until they give up.',
    fix: 'Name another host.',
  },
  KK330: {
    title: 'moment that does not exist',
    why: 'Programs turn February 31 into some day of March, each in its own way.',
    fix: 'Write a real date and time in UTC, such as 2027-02-28T18:00Z.',
  },
  KK331: {
    title: 'secret that is not sealed',
    why: 'Only what kokoa seal printed can be opened by the reconciler, and by nobody else.',
    fix: 'Run kokoa seal and paste all of its output. If the text is a password or a hash, change it: git remembers.',
  },
  KK332: {
    title: 'public, with a login',
    why: 'Public says that nobody is asked, auth says that everybody is.',
    fix: 'Keep one of them.',
  },
  KK333: {
    title: 'very large bodies',
    why: 'The body is passed on as it arrives: one slow upload holds a connection and a worker of your service all the time.',
    fix: 'Nothing, if it is meant. Better: uploads in pieces, or a hostname of their own for them.',
  },
  KK334: {
    title: 'secret in the environment',
    why: 'Other processes, crash reports and child processes can see the environment of a program.',
    fix: 'Nothing, if it is meant. Better: sealed, a file, or a systemd credential.',
  },

  KK335: {
    title: 'hostname on a public port',
    why: 'Nothing in a TCP connection or a datagram says which name was asked for: whoever comes to the port is served.',
    fix: 'Delete the hostname; any name that leads to the edges works. Where the service speaks TLS, protocol: tls keeps the name.',
  },
  KK336: {
    title: 'public port, half said',
    why: 'With tcp and udp the port is all that tells one service of a pool from another; all others share port 443.',
    fix: 'Write protocol: tcp, or udp, and publicPort together, or neither.',
  },
  KK337: {
    title: 'PROXY protocol, not said or not possible',
    why: 'A service that expects the header and gets none, or gets one and does not expect it, understands nothing; so it is never guessed.',
    fix: 'With protocol: tls and tcp write proxyProtocol: true or false; delete it elsewhere.',
  },
  KK338: {
    title: 'not possible with layer 4',
    why: 'The edge passes the connection on as it is. A login, a header or a path in it is between the visitor and your service.',
    fix: 'Delete it, or use protocol: http or https, with which the edge reads every request.',
  },
  KK339: {
    title: 'visitors that look alike',
    why: 'Without PROXY protocol your service sees one address, that of the edge: a ban hits everybody, a log names nobody.',
    fix: 'Nothing, if it is meant. Better: let the service read PROXY protocol version 1, and write proxyProtocol: true.',
  },
  KK340: {
    title: 'public port not granted to the team',
    why: 'A team could otherwise take the port that another one has told its visitors.',
    fix: 'Use a granted port, or ask an operator to add it to teams[].ports in kokoa.yaml.',
  },

  KK341: {
    title: 'too many policies in a team',
    why: 'Each distinct set of limits, timeouts, headers and the like is a server of its own in nginx, on every edge of the pool.',
    fix: 'Write the same set as another route of the team.',
  },
  KK342: {
    title: 'too many lists of backends in a team',
    why: 'nginx finds a list by looking at all of them, for each request.',
    fix: 'Use the list of another route, or a single origin and port.',
  },
  KK343: {
    title: 'route too large for the edges',
    why: 'Every edge holds every route of its pool in memory; one that it refuses keeps back all changes.',
    fix: 'Shorten what the message names: serve long pages from the service itself, name networks instead of addresses.',
  },
  KK344: {
    title: 'too many services of one origin',
    why: 'A machine opens and forwards each of them by itself, and the tunnel ports that a team has there are few.',
    fix: 'Let a reverse proxy near the services answer for several of them.',
  },

  KK345: {
    title: 'public port claimed twice',
    why: 'Visitors of one port of a pool must always come to one place.',
    fix: 'Choose another port, or another pool.',
  },
  KK346: {
    title: 'pool that opens every TLS connection',
    why: 'Only where the setting of the pool says so does an edge look at the name in a handshake before it answers with a certificate.',
    fix: 'Name a pool with tlsPassthrough, or ask an operator to set it.',
  },
  KK347: {
    title: 'prefix taken away from gRPC',
    why: 'nginx hands gRPC requests on with the path that the visitor sent; it would silently not be taken away.',
    fix: 'Delete stripPrefix, or use protocol: http.',
  },
  KK348: {
    title: 'variable of a team with two dashes in a row',
    why: 'In the name of a variable the team ends at two underscores; such a team could read the secrets of another one.',
    fix: 'Use file or credential, or sealed.',
  },
  KK349: {
    title: 'unusable port range',
    why: 'A range that ends before it begins grants nothing.',
    fix: 'Write a port or a range between 1 and 65535, the lower one first, such as 30000-30100.',
  },
  KK350: {
    title: 'port that the edge keeps',
    why: 'SSH, the web and the tunnels come in there; a route on it would shut an edge off, or keep it from starting.',
    fix: 'Leave 22, 80, 443 and the tunnel port of every edge out of all grants; two ranges can go around it.',
  },
  KK351: {
    title: 'everybody as the load balancer',
    why: 'Whoever may send the PROXY header may pose as any visitor: allow, deny and limits would be worth nothing.',
    fix: 'Name the addresses of the load balancer or scrubbing provider alone.',
  },
  KK352: {
    title: 'port that tunnels keep',
    why: 'There an origin leads to services behind it. A route that takes such a port would take it from a service of another team.',
    fix: 'Add host: 127.0.0.1, which gives the service a tunnel port as well, or let it listen on another port.',
  },
  KK353: {
    title: 'no tunnel ports for the team',
    why: 'The tunnel ports of an origin are divided among the first teams of its list, so that none can move a port of another.',
    fix: 'Name a port of the machine itself, or ask its owner to list the team earlier. Whose place changes gets other ports.',
  },
  KK354: {
    title: 'header that holds a secret',
    why: 'Its value stands in git in the clear, for every reader of the repository, now and later.',
    fix: 'Nothing, if the value is no secret. Else delete it and change it; a small proxy beside the service can add it, from a file of that machine.',
  },
  KK355: {
    title: 'moment that is over',
    why: 'The hostname answers 404, or the public port nothing: nobody notices that in the file.',
    fix: 'Write a later moment, delete the line to serve it for ever, or delete the file.',
  },
  KK356: {
    title: 'certificate that all hosts of a zone share',
    why: 'With wildcard: true the hosts of every team in the zone are served by it. Who brings another one in its place has the key of them all.',
    fix: 'Delete tls.certificate. For a certificate of your own, use a hostname that is not the wildcard of the zone.',
  },

  KK360: {
    title: 'too many public ports in a pool',
    why: 'Each is a listening socket of every edge, and all of them stand in one configuration, where long lists take the room of several.',
    fix: 'Give up a port that nobody needs, name networks instead of addresses, or use another pool.',
  },
  KK361: {
    title: 'too many lists of addresses in a team',
    why: 'Each different list is a set of its own on every edge, and many of them make every change slow for everybody.',
    fix: 'Write the same addresses in the same lists, or name networks instead of addresses.',
  },
  KK362: {
    title: 'granted by the same change',
    why: 'A change that grants a name to its own team has asked nobody. What the base grants decides (kokoa validate --base).',
    fix: 'Let the operators merge the grant in kokoa.yaml first, then propose the route.',
  },
  KK363: {
    title: 'team added by the same change',
    why: 'A change that makes its own team has asked nobody. The teams of the base decide (kokoa validate --base).',
    fix: 'Let the operators merge the lines for kokoa.yaml first, then propose the route.',
  },
  KK364: {
    title: 'origin opened by the same change',
    why: 'The owner of a machine decides who may point at it, and has not yet. The origins of the base decide (kokoa validate --base).',
    fix: 'Let the owner and the operators merge the file in origins/ first, then propose the route.',
  },
  KK365: {
    title: 'base that does not say who owns what',
    why: 'Ownership is judged by the kokoa.yaml of the base, and that one cannot be read.',
    fix: 'Mend kokoa.yaml in a change of its own, then propose the routes.',
  },
  KK366: {
    title: 'visitors of another team',
    why: 'Both teams are granted the name, but its visitors came to a route of the other one until now, or would if that ends.',
    fix: 'Nothing if the other team knows. Otherwise choose another name, or ask the operators for narrower grants.',
  },
  KK370: {
    title: 'hostname that is the name of a pool',
    why: 'The name of a pool holds the addresses of its edges in DNS, for every hostname of the pool; a route there would be a CNAME to itself.',
    fix: 'Choose another hostname, or ask an operator for another name of the pool.',
  },
  KK371: {
    title: 'hostname that takes another one out of a wildcard',
    why: 'A name in DNS makes all names above it exist, and a wildcard covers no name that exists (RFC 4592): visitors of that name find nothing any more.',
    fix: 'Add a route for the name in between as well. If nobody uses it, leave it.',
  },
  KK380: {
    title: 'check that contradicts itself',
    why: 'What belongs to another kind of check has no effect, and whoever wrote it believes that more is asked than is.',
    fix: 'Write the kind that it belongs to, or delete it. An answer must come before the next question.',
  },
  KK381: {
    title: 'check that the backend cannot answer',
    why: 'An edge that asks in a language that the backend does not speak would take it for dead, and send everybody elsewhere.',
    fix: 'Use kind: tcp, icmp or script; with protocol: udp kind: icmp or script.',
  },
  KK382: {
    title: 'too much asked of a machine',
    why: 'Each script is a program that the machine starts every few seconds, and it has other teams to answer for.',
    fix: 'Let one script answer for several services, or ask for a connection or a path.',
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
  KK413: {
    title: 'token of a team used twice',
    why: 'A token says which team is asking, and a machine is no team.',
    fix: 'Make a new token for one of them with kokoa token add.',
  },
  KK414: {
    title: 'fallback CA that is the first one',
    why: 'What refuses as acme.server refuses as acme.fallback, too.',
    fix: 'Name another certificate authority, or delete acme.fallback.',
  },
  KK415: {
    title: 'zone that contradicts itself',
    why: 'A record is written by the provider of its zone, and a wildcard is proved by a record: what does not fit would fail at the first order.',
    fix: 'docs/dns.md says what each provider needs, and no other field is taken; wildcard needs a provider that writes, or acmeDelegated.',
  },
  KK416: {
    title: 'name of a pool that DNS cannot have',
    why: 'Every hostname of the pool leads to this name by a CNAME, and its addresses change when an edge fails: that needs a zone, and a name that nothing else has.',
    fix: 'Take a name below a zone of kokoa.yaml that no route, no other pool and no zone has, such as edges.hoge.com.',
  },
  KK420: {
    title: 'notification channel that contradicts itself',
    why: 'Each kind of channel needs its own fields; without them nobody would be told of anything, and nobody would notice.',
    fix: 'webhook: url and credentials. slack, discord: credentials. smtp: server, from and to, and credentials for a login.',
  },
} as const satisfies Record<string, Rule>;

export type RuleId = keyof typeof rules;
