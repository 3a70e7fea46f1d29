export { runElastic, type ElasticOptions, type ElasticRound } from './elastic/run.js';
