export { buildRuleTable, type FilterRules, type PeerRules } from './rule-table.js';
export { allocateFlows, statefulFilter } from './stateful-filter.js';
