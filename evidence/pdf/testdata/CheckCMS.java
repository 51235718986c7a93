// Checks detached CMS signatures with Bouncy Castle: pairs of a message and its
// content. Prints "good" for each and fails at the first bad one.
import java.nio.file.*;
import java.security.Security;
import java.util.Collection;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.util.Selector;

public class CheckCMS {
    @SuppressWarnings("unchecked")
    public static void main(String[] args) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        for (int i = 0; i + 1 < args.length; i += 2) {
            byte[] message = Files.readAllBytes(Path.of(args[i]));
            byte[] content = Files.readAllBytes(Path.of(args[i + 1]));
            CMSSignedData data = new CMSSignedData(new CMSProcessableByteArray(content), message);
            SignerInformation signer = data.getSignerInfos().getSigners().iterator().next();
            Collection<X509CertificateHolder> certs = data.getCertificates().getMatches((Selector<X509CertificateHolder>) signer.getSID());
            boolean good = signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(certs.iterator().next()));
            if (!good) {
                throw new Exception(args[i] + " does not verify");
            }
            System.out.println("good " + signer.getDigestAlgOID() + " " + signer.getEncryptionAlgOID());
        }
    }
}
