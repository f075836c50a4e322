using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace FedLora.Privacy.Ledger;

/// <summary>
/// What a site has spent, for its records and for whoever audits it: mechanism, accountant, unit, spending, and the chain's head, signed
/// with the node's own key (ECDSA, P-256, SHA-256, over the UTF-8 bytes of <c>statement</c> as they stand in the file). Whoever keeps the
/// head notices a ledger that was put back to an older copy.
/// </summary>
public static class PrivacyStatement
{
    private const string KeyFile = "ledger.signing-key";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Makes the node's signing key, where it has none yet.</summary>
    internal static void EnsureKey(ILedgerStorage storage)
    {
        if (storage.Read(KeyFile) is not null)
            return;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        storage.Replace(KeyFile, Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()));
    }

    /// <summary>The signed statement as JSON: <c>{"statement":{...},"public_key":"...","signature":"..."}</c>.</summary>
    /// <exception cref="FedLoraException"><c>statement-key-missing</c>: an older program kept this ledger and no newer one has opened it
    /// yet.</exception>
    public static string Write(PrivacyLedger ledger, PrivacyLimit? limit, DateTimeOffset now)
    {
        using var key = KeyOf(ledger);
        var (sequence, seal) = ledger.Head;
        var statement = JsonSerializer.Serialize(
            new
            {
                Format = 1,
                At = now.ToString("O", System.Globalization.CultureInfo.InvariantCulture),
                Mechanism = "Poisson-subsampled Gaussian: each step draws each unit with probability q, clips its gradient to norm C, "
                    + "adds noise of standard deviation sigma C",
                Neighbouring = "data sets that differ by adding or removing one unit",
                Accountant = Accountants.Default.Name,
                DataSets = ledger.DataSets.Select(dataSet => DataSetOf(ledger, dataSet, limit)),
                Head = new { Entries = sequence, Seal = seal },
            },
            Json);
        var signature = key.SignData(Encoding.UTF8.GetBytes(statement), HashAlgorithmName.SHA256);
        var publicKey = Convert.ToBase64String(key.ExportSubjectPublicKeyInfo());
        return $"{{\"statement\":{statement},\"public_key\":\"{publicKey}\",\"signature\":\"{Convert.ToBase64String(signature)}\"}}";
    }

    /// <summary>
    /// Whether a statement carries the signature of the key that it names; that the key is the node's, the reader must know from elsewhere.
    /// </summary>
    /// <exception cref="FedLoraException"><c>statement-invalid</c>: it is no statement, or was changed after it was signed.</exception>
    public static StatementCheck Check(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var root = document.RootElement;
            var statement = root.GetProperty("statement");
            var publicKey = root.GetProperty("public_key").GetBytesFromBase64();
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(publicKey, out _);
            if (!key.VerifyData(Encoding.UTF8.GetBytes(statement.GetRawText()), root.GetProperty("signature").GetBytesFromBase64(),
                HashAlgorithmName.SHA256))
                throw Invalid("its signature does not fit: it was changed after it was signed");
            var head = statement.GetProperty("head");
            return new StatementCheck(Convert.ToHexStringLower(SHA256.HashData(publicKey)), head.GetProperty("entries").GetInt64(),
                head.GetProperty("seal").GetString() ?? "");
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or FormatException or CryptographicException
            or InvalidOperationException)
        {
            throw Invalid("it is no signed statement", error);
        }
    }

    private static object DataSetOf(PrivacyLedger ledger, string dataSet, PrivacyLimit? limit)
    {
        var uses = ledger.UsesOf(dataSet);
        var last = uses[^1];
        var delta = limit?.Delta ?? last.Delta ?? 1e-5;
        var spent = Accountants.Default.Epsilon(ledger.Spent(dataSet), delta);
        return new
        {
            DataSet = dataSet,
            ledger.LabelOf(dataSet)?.Name,
            Unit = uses[0].Unit ?? "line",
            SpentEpsilon = spent.Epsilon,
            SpentEpsilonAtLeast = spent.Lower,
            Delta = delta,
            LimitEpsilon = limit?.Epsilon ?? last.Limit,
            UsedWithoutPrivacy = uses.Any(use => !use.IsPrivate),
            Federations = uses.GroupBy(use => (use.Coordinator, use.Federation)).Select(federation => new
            {
                federation.Key.Coordinator,
                federation.Key.Federation,
                First = federation.First().At.ToString("O", System.Globalization.CultureInfo.InvariantCulture),
                Last = federation.Last().At.ToString("O", System.Globalization.CultureInfo.InvariantCulture),
                Entries = federation.Count(),
                Runs = SampledGaussian.Simplify(federation.Where(use => use.IsPrivate).Select(use => use.Run)),
                ClipNorms = federation.Where(use => use.IsPrivate).Select(use => use.ClipNorm).Distinct(),
            }),
        };
    }

    private static ECDsa KeyOf(PrivacyLedger ledger)
    {
        var pem = ledger.FileOf(KeyFile)
            ?? throw new FedLoraException("statement-key-missing", "the ledger has no signing key yet: an older program kept it",
                "Start the node once with this program; it makes the key.");
        var key = ECDsa.Create();
        key.ImportFromPem(Encoding.ASCII.GetString(pem));
        return key;
    }

    private static FedLoraException Invalid(string what, Exception? inner = null) =>
        new("statement-invalid", $"the statement cannot be relied on: {what}", "Ask the site for a new one.", inner);
}

/// <summary>What a statement with a good signature says of its origin.</summary>
/// <param name="KeySha256">SHA-256 of the signing key (SubjectPublicKeyInfo), hex: the node's, if the site confirms it.</param>
/// <param name="Entries">How many entries the ledger had.</param>
/// <param name="Seal">The newest entry's seal, hex; empty where there is none.</param>
public sealed record StatementCheck(string KeySha256, long Entries, string Seal);
