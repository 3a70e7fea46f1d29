export default () => 'no stream';
