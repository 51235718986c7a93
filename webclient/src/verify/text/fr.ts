import type { Translation } from '../../i18n/index.ts';
import type en from './en.ts';

const fr: Translation<typeof en> = {
  title: 'Vérifier un document signé',
  intro: 'Vérifiez point par point une lettre de dépôt (.asice) ou un PDF signé. Aucun compte n’est nécessaire.',
  choose: 'Choisir un fichier',
  drop: 'ou le déposer ici',
  local: 'Le fichier est vérifié sur cet appareil. Il n’est pas envoyé.',
  working: (name, size) => `Vérification de ${name} (${size})…`,
  answers: {
    holds: 'Tout est exact.',
    unknown: 'Rien n’est faux, mais certains points n’ont pas pu être tranchés.',
    fails: 'Ce fichier n’est pas valable.',
    unreadable: 'Ce fichier n’a pas pu être lu.',
    stopped: 'La vérification n’a pas pu être menée à son terme.',
    missing: 'La vérification n’est pas disponible ici.',
  },
  explained: {
    holds: 'Le fichier est complet et inchangé depuis son scellement, et ses sceaux mènent à des racines connues ici.',
    erased: 'Le fichier est tel qu’il a été scellé, sauf ce qui a été effacé depuis à bon droit : une déclaration signée qu’il contient le nomme. Ses sceaux mènent à des racines connues ici.',
    unknown: 'Les points « ouverts » demandent quelque chose qui n’est pas dans le fichier, par exemple une racine à laquelle vous vous fiez.',
    fails: 'Au moins un point ci-dessous est faux : le fichier a été modifié, est incomplet, ou n’a pas été fait comme il le dit.',
    unreadable: 'Ce n’est ni une lettre de dépôt ni un PDF signé, ou sa structure même est endommagée.',
    stopped: 'Rien n’est dit de ce fichier. Il a peut-être été déplacé, modifié ou supprimé entre-temps, ou il est trop grand pour cet appareil : choisissez-le de nouveau.',
    missing: 'Le vérificateur n’est pas arrivé : la connexion est perdue, ou ce serveur n’en contient pas pour navigateur. Choisissez de nouveau le fichier, ou utilisez le programme inkverify ; il fonctionne sans réseau.',
  },
  agree: 'Un second vérificateur, écrit indépendamment du premier, arrive à la même réponse au sujet du conteneur.',
  disagree: 'Les deux vérificateurs ne sont pas d’accord au sujet de ce fichier. Ne vous y fiez pas et prévenez le service : l’un des deux se trompe.',
  exact: 'Sous chaque point : ce qui a été trouvé exactement, en anglais.',
  statuses: { holds: 'Exact', fails: 'Faux', unknown: 'Ouvert' },
  limitsTitle: 'Ce que cela ne prouve pas',
  limits: [
    'Qu’une personne a signé librement, ou a compris ce qu’elle signait.',
    'Que la personne de la vidéo est bien celle qu’elle dit : il faut regarder et comparer.',
    'Que deux signatures viennent de la même main : un rapport de vraisemblance soutient une explication, il ne la prouve pas.',
    'Quoi que ce soit avant le premier horodatage du fichier.',
  ].join('\n'),
};
export default fr;
