// The access key of an AWS user, as the shared credentials file of AWS's own tools has it. Law: what passes here is one key that is meant for us,
// and no word of the file stands in a problem.
export interface AwsCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  /** Of a key that is lent for a time. */
  sessionToken?: string;
}

const TEXT_CHARACTERS_MAX = 8_192;
const EXPECTED = 'expected [default] with aws_access_key_id and aws_secret_access_key';
const SETTING = /^(aws_access_key_id|aws_secret_access_key|aws_session_token)[ \t]*=[ \t]*(\S+)$/;
const ACCESS_KEY_ID = /^[A-Z0-9]{16,128}$/;
const SECRET = /^[A-Za-z0-9/+=]{40,128}$/;
const SESSION_TOKEN = /^[A-Za-z0-9/+=]{16,4096}$/;

/** One section `[default]`; lines that are empty or begin with `#` or `;` say nothing. */
export function parseAwsCredentials(text: string): AwsCredentials | { problem: string } {
  if (text.length > TEXT_CHARACTERS_MAX) return { problem: `it has more than ${TEXT_CHARACTERS_MAX} characters` };
  const lines = text.split(/\r?\n/).map((line, index) => ({ text: line.trim(), number: index + 1 }));
  const [head, ...settings] = lines.filter((line) => !/^(?:[#;].*)?$/.test(line.text));
  if (head?.text !== '[default]') return { problem: EXPECTED };

  const found = new Map<string, string>();
  for (const setting of settings) {
    const [, key, value] = SETTING.exec(setting.text) ?? [];
    if (key === undefined || value === undefined)
      return {
        problem: `line ${setting.number} is neither aws_access_key_id, aws_secret_access_key nor aws_session_token`,
      };
    if (found.has(key)) return { problem: `line ${setting.number} says ${key} a second time` };
    found.set(key, value);
  }
  const accessKeyId = found.get('aws_access_key_id');
  const secretAccessKey = found.get('aws_secret_access_key');
  const sessionToken = found.get('aws_session_token');
  if (accessKeyId === undefined || secretAccessKey === undefined) return { problem: EXPECTED };
  if (!ACCESS_KEY_ID.test(accessKeyId)) return { problem: 'aws_access_key_id is not 16 to 128 capitals and digits' };
  if (!SECRET.test(secretAccessKey)) return { problem: 'aws_secret_access_key is not 40 to 128 characters of base64' };
  if (sessionToken === undefined) return { accessKeyId, secretAccessKey };
  if (!SESSION_TOKEN.test(sessionToken)) return { problem: 'aws_session_token is not base64 of a usual length' };
  return { accessKeyId, secretAccessKey, sessionToken };
}
