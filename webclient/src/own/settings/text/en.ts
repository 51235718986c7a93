import { plural } from '../../../i18n/format.ts';

const en = {
  proof: {
    title: 'Is it you?',
    text: 'This changes who can get in, so please show once more that it is you.',
    password: 'Password',
    code: 'Code of your second factor',
    codeHint: 'Only if you have set one up.',
    go: 'Go on',
  },
  roles: {
    owner: 'Owner', admin: 'Administrator', manager: 'Manager', sender: 'Sender', reviewer: 'Reviewer', investigator: 'Investigator', auditor: 'Auditor',
  },
  rights: {
    owner: 'everything, recorded evidence included',
    admin: 'documents and members, no recorded evidence',
    manager: 'sees all documents, sends their own',
    sender: 'sends and sees their own documents',
    reviewer: 'reads what is shared with them',
    investigator: 'opens recorded evidence in a dispute',
    auditor: 'reads everything but recorded evidence, changes nothing',
  },
  members: {
    title: 'Members',
    you: 'you',
    alone: 'You are alone here',
    aloneText: 'Invite others below: whoever sends documents, and somebody who may open evidence together with you in a dispute.',
    roleOf: (name: string) => `Role of ${name}`,
    remove: 'Remove',
    removeTitle: (name: string) => `Remove ${name}?`,
    removeText: 'They can no longer sign in here. Their documents stay with the organisation.',
    invite: 'Invite a member',
    email: 'E-mail address',
    role: 'Role',
    language: 'Language of the mail',
    go: 'Send the invitation',
    sent: (email: string) => `An invitation to ${email} is on its way.`,
    pending: 'Invited, not yet joined',
    until: (day: string) => `valid until ${day}`,
    revoke: 'Take it back',
  },
  settings: {
    title: 'Settings',
    save: 'Save',
    saved: 'Saved.',
    profile: {
      title: 'Your profile',
      name: 'Name', email: 'E-mail address', phone: 'Phone number', phoneHint: 'With the country, such as +41 79 123 45 67. Leave it empty if you like.',
      language: 'Language of mails',
      confirm: (email: string) => `Saved. A link to confirm the new address is on its way to ${email}.`,
    },
    password: {
      title: 'Password', current: 'The one you have', next: 'A new one', hint: 'At least 15 characters. A few unrelated words are easy to remember and hard to guess.',
      go: 'Change the password', done: 'The password is changed.',
    },
    session: { title: 'Where you are signed in', text: 'Only here: an account is signed in in one place at a time. Signing in elsewhere ends this session, and a mail tells you.', end: 'Sign out' },
    factors: {
      title: 'Second factor',
      text: 'With a second factor a stolen password alone opens nothing.',
      app: 'Authenticator app', on: 'On', off: 'Off', setUp: 'Set up', remove: 'Remove',
      enter: 'Enter this key in your authenticator app, then type the code that it shows.', open: 'Open it in an app on this device',
      code: 'Code from the app', confirm: 'Confirm',
      passkeys: 'Passkeys', noPasskeys: 'None yet. A passkey signs you in with the lock of this device, without a password.',
      since: (day: string) => `since ${day}`, newName: 'Name of the new passkey', passkeyName: 'Passkey', add: 'Add a passkey',
      stopped: 'No passkey was made: the dialog was closed, or this device has none to offer.',
      left: (n: number) => plural('en', n, '1 recovery code left', `${n} recovery codes left`), newCodes: 'Make new codes',
      codes: 'Write these recovery codes down. Each works once, when your second factor is lost; they are not shown again.',
    },
    organisation: {
      title: 'Organisation', name: 'Name', controller: 'Responsible for personal data', controllerHint: 'Name and contact, shown to signers.',
      secondFactor: 'Every member needs a second factor',
    },
    keys: {
      title: 'API keys', text: 'A key lets a program act for you. It can do no more than you, and never opens recorded evidence.',
      none: 'No keys yet.', until: (day: string) => `until ${day}`, used: (day: string) => `last used ${day}`, unused: 'never used',
      name: 'Name', nameHint: 'The program that uses it.', use: 'What for', uses: { follow: 'Follow documents', send: 'Send documents', collect: 'Download signed documents and deposits' },
      days: 'Valid for days', make: 'Make a key', revoke: 'Revoke', once: 'Copy the key now: it is not shown again.',
    },
    webhooks: {
      title: 'Webhooks', text: 'Your own program is told of every event: the service posts it to an address of yours, signed.',
      none: 'No addresses yet.', url: 'Address', urlHint: 'https:// and reachable from the internet.', make: 'Add the address', active: 'On', remove: 'Remove',
      once: 'Copy the secret now: with it your program checks the signature of what it receives.',
      deliveries: 'Deliveries', noDeliveries: 'Nothing was sent yet.', states: { queued: 'Waiting', sent: 'Received', failed: 'Failed' }, repeat: 'Send again',
    },
    provider: {
      title: 'Sign-in with your organisation', text: 'Members can sign in with the account that they have at work.', on: 'Members can sign in with the account that they have at work: it is set up.',
      kind: 'Protocol', issuer: 'Issuer', client: 'Client ID', secret: 'Client secret', secretKept: 'Leave it empty to keep the one that is stored.',
      metadata: 'Metadata (XML)', metadataHint: 'As your provider publishes it.', role: 'Role of who comes for the first time',
      enforced: 'Everybody but owners must sign in there', address: 'Where the provider sends people back', audience: 'Name of this service for the provider', remove: 'Remove',
    },
    leave: {
      title: 'Delete your account', text: 'Your profile, your password and your factors are erased. Documents and deposits stay with the organisation.',
      go: 'Delete my account', sure: 'This cannot be undone.',
    },
  },
};

export default en;
