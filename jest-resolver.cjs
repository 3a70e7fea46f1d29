// A test imports a neighbour as './name.js', as in the sources, and there is only './name.ts'. Jest keeps what a resolver
// found; what `moduleNameMapper` names it would look for on the disk anew at every `import()` of ours.
module.exports = (path, options) => {
  try {
    return options.defaultResolver(path, options);
  } catch (error) {
    if (!/^\.{1,2}\/.+\.js$/u.test(path)) throw error;
    return options.defaultResolver(path.replace(/js$/u, 'ts'), options);
  }
};
