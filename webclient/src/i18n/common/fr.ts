import type { Translation } from '../index.ts';
import type en from './en.ts';

const fr: Translation<typeof en> = {
  brand: 'Inkwitness',
  language: 'Langue',
  close: 'Fermer',
  cancel: 'Annuler',
  back: 'Retour',
  tryAgain: 'Réessayer',
  loading: 'Chargement…',
  skip: 'Aller au contenu',
  optional: 'facultatif',
  required: 'Veuillez remplir ce champ.',
  tooShort: (n) => `Au moins ${n} caractères.`,
  noAddress: 'Ce n’est pas une adresse e-mail.',
  unreadable: 'Cela ne peut pas être lu ainsi. Veuillez vérifier.',
  crash: {
    title: 'Un problème est survenu sur cette page',
    detail: 'Ce que vous avez fait jusqu’ici est conservé. Rechargez la page pour continuer.',
    reload: 'Recharger',
  },
  problems: {
    unreachable: 'Le service est injoignable. Vérifiez votre connexion ; rien n’est perdu.',
    signedOut: 'Vous n’êtes plus connecté.',
    forbidden: 'Vous n’avez pas le droit de faire cela.',
    othersRecorded: 'La lettre de dépôt contient des enregistrements d’autres signataires : elle reste chez l’expéditeur. Le document signé est à vous.',
    missing: 'Cet élément n’existe pas, ou n’existe plus.',
    conflict: 'Cet élément a changé entre-temps. Rechargez la page.',
    tooLarge: 'Le fichier est trop volumineux.',
    wrongPassword: 'Ce n’est pas le mot de passe actuel.',
    tooMany: 'Trop de demandes. Attendez un instant puis réessayez.',
    server: 'Le service a rencontré un problème. Réessayez dans un instant.',
  },
  pdf: {
    label: 'Document',
    page: (n, of) => `Page ${n} sur ${of}`,
    zoomIn: 'Agrandir',
    zoomOut: 'Réduire',
    fit: 'Ajuster à la largeur',
    rotate: 'Tourner',
    nextField: 'Emplacement suivant à signer',
    failed: 'Le document ne peut pas être affiché.',
    signHere: 'Signez ici',
  },
};
export default fr;
