import { plural } from '../../../i18n/format.ts';
import type { Translation } from '../../../i18n/index.ts';
import type en from './en.ts';

const fr: Translation<typeof en> = {
  proof: {
    title: 'Est-ce bien vous ?',
    text: 'Cela change qui peut entrer : montrez encore une fois que c’est vous.',
    password: 'Mot de passe',
    code: 'Code de votre second facteur',
    codeHint: 'Seulement si vous en avez un.',
    go: 'Continuer',
    passkey: 'Utiliser plutôt ma clé d’accès',
  },
  roles: {
    owner: 'Propriétaire', admin: 'Administrateur', manager: 'Responsable', sender: 'Expéditeur', reviewer: 'Relecteur', investigator: 'Enquêteur', auditor: 'Auditeur',
  },
  rights: {
    owner: 'tout, preuves enregistrées comprises',
    admin: 'documents et membres, sans les preuves enregistrées',
    manager: 'voit tous les documents, envoie les siens',
    sender: 'envoie et voit ses propres documents',
    reviewer: 'lit ce qui est partagé avec lui',
    investigator: 'ouvre les preuves enregistrées en cas de litige',
    auditor: 'lit tout sauf les preuves enregistrées, ne change rien',
  },
  members: {
    title: 'Membres',
    you: 'vous',
    alone: 'Vous êtes seul ici',
    aloneText: 'Invitez d’autres personnes ci-dessous : celles qui envoient des documents, et quelqu’un qui puisse ouvrir les preuves avec vous en cas de litige.',
    roleOf: (name) => `Rôle de ${name}`,
    change: 'Changer le rôle',
    remove: 'Retirer',
    removeTitle: (name) => `Retirer ${name} ?`,
    removeText: 'Cette personne ne pourra plus se connecter ici. Ses documents restent à l’organisation.',
    invite: 'Inviter un membre',
    email: 'Adresse e-mail',
    role: 'Rôle',
    language: 'Langue de l’e-mail',
    go: 'Envoyer l’invitation',
    sent: (email) => `Une invitation est en route vers ${email}.`,
    pending: 'Invités, pas encore membres',
    until: (day) => `valable jusqu’au ${day}`,
    revoke: 'La retirer',
  },
  settings: {
    title: 'Réglages',
    save: 'Enregistrer',
    saved: 'Enregistré.',
    profile: {
      title: 'Votre profil',
      name: 'Nom', email: 'Adresse e-mail', phone: 'Numéro de téléphone', phoneHint: 'Avec le pays, par exemple +41 79 123 45 67. Vous pouvez le laisser vide.',
      language: 'Langue des e-mails',
      confirm: (email) => `Enregistré. Un lien pour confirmer la nouvelle adresse est en route vers ${email}.`,
    },
    password: {
      title: 'Mot de passe', current: 'L’actuel', next: 'Le nouveau', hint: 'Au moins 15 caractères. Quelques mots sans rapport sont faciles à retenir et difficiles à deviner.',
      go: 'Changer le mot de passe', done: 'Le mot de passe est changé.',
    },
    session: { title: 'Où vous êtes connecté', text: 'Ici seulement : un compte est connecté à un seul endroit à la fois. Se connecter ailleurs met fin à cette session, et un e-mail vous prévient.', end: 'Se déconnecter' },
    factors: {
      title: 'Second facteur',
      text: 'Avec un second facteur, un mot de passe volé n’ouvre rien à lui seul.',
      app: 'Application d’authentification', on: 'Actif', off: 'Inactif', setUp: 'Configurer', remove: 'Retirer',
      enter: 'Scannez ce code avec votre application d’authentification, ou saisissez-y la clé, puis tapez le code qu’elle affiche.', picture: 'Code QR contenant la clé pour une application d’authentification', open: 'L’ouvrir dans une application de cet appareil',
      code: 'Code de l’application', confirm: 'Confirmer',
      passkeys: 'Clés d’accès', noPasskeys: 'Aucune. Une clé d’accès vous connecte avec le verrouillage de cet appareil, sans mot de passe.',
      since: (day) => `depuis le ${day}`, newName: 'Nom de la nouvelle clé d’accès', passkeyName: 'Clé d’accès', add: 'Ajouter une clé d’accès',
      stopped: 'Aucune clé n’a été créée : la fenêtre a été fermée, ou cet appareil n’en propose pas.',
      left: (n) => plural('fr', n, `${n} code de secours restant`, `${n} codes de secours restants`), newCodes: 'Créer de nouveaux codes',
      codes: 'Notez ces codes de secours. Chacun sert une fois, quand votre second facteur est perdu ; ils ne seront plus affichés.',
    },
    organisation: {
      title: 'Organisation', name: 'Nom', controller: 'Responsable des données personnelles', controllerHint: 'Nom et contact, montrés aux signataires.',
      secondFactor: 'Chaque membre doit avoir un second facteur',
    },
    keys: {
      title: 'Clés d’API', text: 'Une clé permet à un programme d’agir pour vous. Elle ne peut rien de plus que vous et n’ouvre jamais les preuves enregistrées.',
      none: 'Aucune clé.', until: (day) => `jusqu’au ${day}`, used: (day) => `utilisée le ${day}`, unused: 'jamais utilisée',
      name: 'Nom', nameHint: 'Le programme qui l’utilise.', use: 'Usage', uses: { follow: 'Suivre les documents', send: 'Envoyer des documents', collect: 'Télécharger documents signés et dépôts' },
      days: 'Validité en jours', make: 'Créer une clé', revoke: 'Révoquer', once: 'Copiez la clé maintenant : elle ne sera plus affichée.',
    },
    webhooks: {
      title: 'Webhooks', text: 'Votre propre programme est averti de chaque événement : le service l’envoie, signé, à une adresse à vous.',
      none: 'Aucune adresse.', url: 'Adresse', urlHint: 'En https:// et accessible depuis internet.', make: 'Ajouter l’adresse', active: 'Actif', remove: 'Retirer',
      once: 'Copiez le secret maintenant : avec lui votre programme contrôle la signature de ce qu’il reçoit.',
      deliveries: 'Envois', noDeliveries: 'Rien n’a encore été envoyé.', states: { queued: 'En attente', sent: 'Reçu', failed: 'Échoué' }, repeat: 'Renvoyer',
    },
    provider: {
      title: 'Connexion avec votre organisation', text: 'Les membres peuvent se connecter avec leur compte professionnel.', on: 'Les membres peuvent se connecter avec leur compte professionnel : c’est configuré.',
      kind: 'Protocole', issuer: 'Émetteur', client: 'Identifiant du client', secret: 'Secret du client', secretKept: 'Laissez vide pour garder celui qui est enregistré.',
      metadata: 'Métadonnées (XML)', metadataHint: 'Telles que votre fournisseur les publie.', role: 'Rôle de ceux qui viennent pour la première fois',
      enforced: 'Tous, sauf les propriétaires, doivent se connecter là-bas', secondFactor: 'Le fournisseur demande un second facteur à tous', secondFactorHint: 'Seulement si ses réponses ne le disent pas elles-mêmes. Les membres qui ont besoin d’un second facteur entrent alors sur sa parole.',
      address: 'Où le fournisseur renvoie les personnes', audience: 'Nom de ce service pour le fournisseur', remove: 'Retirer',
    },
    names: {
      title: 'Comment les membres trouvent cette connexion', text: 'Sur la page de connexion, ils saisissent un nom court ou leur adresse professionnelle : il faut alors montrer que le domaine est à vous.',
      none: 'Aucun nom : personne ne peut la trouver.', name: 'Nom court ou domaine', hint: 'Par exemple atelier-durand ou atelier.example.', add: 'Ajouter',
      used: 'Utilisé', waits: 'Pas encore montré', record: 'Ajoutez cet enregistrement TXT au DNS du domaine, puis cherchez-le. Il peut n’être visible qu’après une heure.',
      recordName: 'Nom de l’enregistrement', recordValue: 'Valeur', verify: 'Chercher l’enregistrement', remove: 'Retirer', removeOf: (name) => `Retirer ${name}`,
    },
    leave: {
      title: 'Supprimer votre compte', text: 'Votre profil, votre mot de passe et vos facteurs sont effacés. Documents et dépôts restent à l’organisation.',
      go: 'Supprimer mon compte', sure: 'C’est irréversible.',
    },
  },
};

export default fr;
