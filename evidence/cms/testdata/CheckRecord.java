import java.io.ByteArrayInputStream;
import java.nio.file.*;
import java.util.*;
import org.bouncycastle.operator.jcajce.JcaDigestCalculatorProviderBuilder;
import org.bouncycastle.operator.DigestCalculatorProvider;
import org.bouncycastle.cms.jcajce.JcaSimpleSignerInfoVerifierBuilder;
import org.bouncycastle.tsp.ers.*;

/** Checks evidence records with Bouncy Castle: CheckRecord DATE(ms) RECORD DATA... */
public class CheckRecord {
    public static void main(String[] args) throws Exception {
        DigestCalculatorProvider digests = new JcaDigestCalculatorProviderBuilder().build();
        ERSEvidenceRecord record = new ERSEvidenceRecord(Files.readAllBytes(Paths.get(args[1])), digests);
        List<ERSData> data = new ArrayList<>();
        for (int i = 2; i < args.length; i++) {
            data.add(new ERSByteData(Files.readAllBytes(Paths.get(args[i]))));
        }
        Date at = new Date(Long.parseLong(args[0]));
        ERSData what = data.size() == 1 ? data.get(0) : new ERSDataGroup(data);
        record.validatePresent(what, at);
        record.validate(new JcaSimpleSignerInfoVerifierBuilder().build(record.getSigningCertificate()));
        System.out.println("present and valid");
    }
}
