export { type AnsweredQuestion, describeDecision } from './decision-text.js';
export { type Access, type DecidingRule, type Decision, PolicyEvaluator, type PolicyNode } from './evaluator.js';
export { type ChangedLink, comparePolicies, type Link, type LinkChanges, policyLinks } from './links.js';
export type { Policy, PolicyDocument, RuleDocument, TestDocument } from './policy.js';
export { type PolicyProblem, type PolicyProblemCode, policyProblemCodes } from './policy-problem.js';
export { runPolicyTests } from './policy-tests.js';
export { DEFAULT_POLICY_DOCUMENT, readPolicy, type ReadPolicy, readPolicyText } from './read-policy.js';
export {
  ALL_TRAFFIC,
  containsTraffic,
  formatSingleTraffic,
  formatTraffic,
  isAllTraffic,
  NO_TRAFFIC,
  parseSingleTraffic,
  parseTraffic,
  pointOf,
  PROTOCOL,
  type Traffic,
  type TrafficInterval,
  type TrafficSet,
  trafficSetsEqual,
  uniteTraffic,
} from './traffic-set.js';
