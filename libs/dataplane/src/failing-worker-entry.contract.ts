// For specs: a worker that dies of something unforeseen.

setTimeout(() => {
  throw new Error('the disk is on fire');
}, 20);
