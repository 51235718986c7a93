const en = {
  title: 'Verify a signed document',
  intro: 'Check a letter of deposit (.asice) or a signed PDF point by point. You need no account.',
  choose: 'Choose a file',
  drop: 'or drop it here',
  local: 'The file is checked on this device. It is not uploaded.',
  working: (name: string, size: string) => `Checking ${name} (${size})…`,
  answers: {
    holds: 'Everything holds.',
    unknown: 'Nothing is wrong, but some points could not be decided.',
    fails: 'This file does not hold.',
    unreadable: 'This file could not be read.',
    stopped: 'The check could not be finished.',
    missing: 'The check is not available here.',
  },
  explained: {
    holds: 'The file is complete and unchanged since it was sealed, and its seals lead to roots that are known here.',
    erased: 'The file is as it was sealed, but for what was erased by right since then, which a signed statement in it names. Its seals lead to roots that are known here.',
    unknown: 'The points marked “open” need something that is not in the file, for example a root that you trust.',
    fails: 'At least one point below is wrong: the file was changed, is incomplete, or was not made as it says.',
    unreadable: 'It is neither a letter of deposit nor a PDF with signatures, or it is damaged at its very structure.',
    stopped: 'Nothing is said about this file. It may have been moved, changed or deleted meanwhile, or be too large for this device: choose it again.',
    missing: 'The verifier did not come: the connection is lost, or this server carries none for the browser. Choose the file again, or use the program inkverify; it works without a network.',
  },
  agree: 'A second verifier, written independently of the first, comes to the same answer about the container.',
  disagree: 'The two verifiers do not agree about this file. Do not rely on it, and tell the service: one of them is wrong.',
  exact: 'Below each point: what exactly was found.',
  statuses: { holds: 'Holds', fails: 'Wrong', unknown: 'Open' },
  limitsTitle: 'What this does not prove',
  limits: [
    'That a person signed freely, or understood what they signed.',
    'That the person in the video is who they say: a person has to look and compare.',
    'That two signatures come from one hand: a likelihood ratio is support for one explanation, not a proof.',
    'Anything about times before the first timestamp in the file.',
  ].join('\n'),
};

export default en;
