// An answer of /policy/can in words, the same at every command line. The deciding rule comes with it.

/** As contracts' CanAnswer has it. */
export interface AnsweredQuestion {
  readonly allowed: boolean;
  readonly from: { readonly hostname: string; readonly virtual_ip: string };
  readonly to: { readonly hostname: string; readonly virtual_ip: string };
  readonly traffic: string;
  readonly policy_version: number;
  readonly rule: AnsweredRule | null;
  readonly near: readonly AnsweredRule[];
}

interface AnsweredRule {
  readonly index: number;
  readonly name?: string | undefined;
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly allow: readonly string[];
}

/** One line with the answer, and one for each rule that matters. */
export function describeDecision({
  allowed,
  from,
  to,
  traffic,
  policy_version: version,
  rule,
  near,
}: AnsweredQuestion): string[] {
  const question = `${from.hostname} (${from.virtual_ip}) -> ${to.hostname} (${to.virtual_ip}) ${traffic}`;
  if (allowed && rule) return [`yes: ${question}`, `allowed by ${describeRule(rule)} of policy version ${version}`];
  const refusal = `no: ${question}`;
  if (near.length === 0) return [refusal, `no rule of policy version ${version} is about these two`];
  return [
    refusal,
    ...near.map((each) => `${describeRule(each)} of policy version ${version} allows them something else`),
  ];
}

function describeRule({ index, name, from, to, allow }: AnsweredRule): string {
  const ends = from.length > 0 && to.length > 0 ? `${from.join(', ')} -> ${to.join(', ')}: ` : '';
  return `rule ${index}${name === undefined ? '' : ` "${name}"`} (${ends}${allow.join(' ')})`;
}
