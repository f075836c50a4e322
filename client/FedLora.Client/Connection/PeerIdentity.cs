using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace FedLora.Client.Connection;

/// <summary>
/// Who this program is at a coordinator that speaks TLS, and which coordinator that is. Three files of a folder: the key (<c>NAME.key</c>,
/// for its owner only), the certificate that the coordinator gave for it (<c>NAME.pem</c>), and the coordinator's authority
/// (<c>authority.pem</c>). Where the last is missing, the machine's own authorities are trusted, and the host's name is checked. In a
/// coordinator's own folder <c>coordinator.pem</c> is what it shows instead of a certificate of its authority: that one is trusted alone.
/// </summary>
public sealed class PeerIdentity : IDisposable
{
    private const string ServerUse = "1.3.6.1.5.5.7.3.1";
    private readonly string _certificateFile;
    private readonly string _keyFile;
    private readonly string _authorityFile;
    private readonly TimeProvider _time;
    private readonly X509Certificate2? _shown;
    private X509Certificate2? _certificate;
    private X509Certificate2? _authority;
    private bool _isKept = true;

    /// <param name="folder">Where the files are, or will be.</param>
    /// <param name="name"><c>node</c>, <c>operator</c>, ...</param>
    /// <param name="time">Tells how old the certificate is.</param>
    /// <exception cref="FedLoraException"><c>identity-invalid</c>: a file is damaged.</exception>
    public PeerIdentity(string folder, string name, TimeProvider time)
    {
        (_certificateFile, _keyFile, _authorityFile, _time) = (Path.Combine(folder, $"{name}.pem"), Path.Combine(folder, $"{name}.key"),
            Path.Combine(folder, "authority.pem"), time);
        _authority = File.Exists(_authorityFile)
            ? Read(() => X509Certificate2.CreateFromPem(File.ReadAllText(_authorityFile)), _authorityFile) : null;
        var shownFile = Path.Combine(folder, "coordinator.pem");
        _shown = File.Exists(shownFile) ? Read(() => X509Certificate2.CreateFromPem(File.ReadAllText(shownFile)), shownFile) : null;
        // A coordinator's own operator has both in one file.
        _certificate = File.Exists(_certificateFile)
            ? Read(() => X509Certificate2.CreateFromPemFile(_certificateFile, File.Exists(_keyFile) ? _keyFile : null), _certificateFile)
            : null;
    }

    /// <summary>What is shown to the coordinator; null before it has given one.</summary>
    public X509Certificate2? Certificate => _certificate;

    /// <summary>SHA-256 of the coordinator's authority; null where the machine's own are trusted.</summary>
    public string? Authority => _authority is { } authority ? Fingerprint(authority) : null;

    /// <summary>Whether half of the certificate's time is over.</summary>
    public bool IsRenewalDue => _certificate is { } certificate
        && _time.GetUtcNow().UtcDateTime
        > certificate.NotAfter.ToUniversalTime() - TimeSpan.FromTicks((certificate.NotAfter - certificate.NotBefore).Ticks / 2);

    /// <summary>Why the coordinator was not trusted in the last handshake; null if it was.</summary>
    public string? Distrust { get; private set; }

    /// <summary>A request for a certificate for this program's key, PKCS#10 DER; the key is made and stored first.</summary>
    public byte[] CreateRequest()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        if (File.Exists(_keyFile))
            _ = Read(() => { key.ImportFromPem(File.ReadAllText(_keyFile)); return key; }, _keyFile);
        else
            AtomicFile.WriteSecret(_keyFile, key.ExportPkcs8PrivateKeyPem() + "\n");
        return new CertificateRequest("CN=request", key, HashAlgorithmName.SHA256).CreateSigningRequest();
    }

    /// <summary>Trusts the authority that a join token names; it is kept once it has given a certificate.</summary>
    /// <param name="der">What answered the question for it.</param>
    /// <param name="fingerprint">What the token names.</param>
    /// <param name="url">Who answered.</param>
    /// <exception cref="FedLoraException"><c>coordinator-other</c>.</exception>
    public void Pin(byte[] der, string fingerprint, string url)
    {
        var authority = Read(() => X509CertificateLoader.LoadCertificate(der), $"what {url} sends as its authority");
        if (Fingerprint(authority) != fingerprint)
            throw Other(
                $"the coordinator at {url} has the authority {Fingerprint(authority)[..16]}..., the join token is for "
                    + $"{fingerprint[..16]}...");
        (_authority, _isKept) = (authority, false);
    }

    /// <summary>Trusts the machine's own authorities, as a join token has it that names none.</summary>
    public void Unpin() => (_authority, _isKept) = (null, false);

    /// <summary>Takes a certificate for this program's key.</summary>
    public void Take(byte[] der)
    {
        var certificate = WithKey(der);
        // Only now: a join that is refused leaves whom the folder trusts as it was.
        if (!_isKept && _authority is { } authority)
            AtomicFile.Write(_authorityFile, authority.ExportCertificatePem() + "\n");
        else if (!_isKept)
            File.Delete(_authorityFile);
        _isKept = true;
        AtomicFile.Write(_certificateFile, certificate.ExportCertificatePem() + "\n");
        // The one of before may be in use by a connection: it is left to the collector.
        _certificate = certificate;
    }

    /// <summary>A certificate for this program's key, with the key.</summary>
    internal X509Certificate2 WithKey(byte[] der)
    {
        using var bare = X509CertificateLoader.LoadCertificate(der);
        using var key = ECDsa.Create();
        _ = Read(() => { key.ImportFromPem(File.ReadAllText(_keyFile)); return key; }, _keyFile);
        return Read(() => bare.CopyWithPrivateKey(key), "the certificate that the coordinator gave");
    }

    /// <summary>TLS 1.3 with this identity.</summary>
    internal SslClientAuthenticationOptions Options() => new()
    {
        EnabledSslProtocols = System.Security.Authentication.SslProtocols.Tls13,
        LocalCertificateSelectionCallback = (_, _, _, _, _) => _certificate!,
        RemoteCertificateValidationCallback = (_, certificate, _, errors) => Trusts(certificate as X509Certificate2, errors),
    };

    /// <summary>TLS 1.3 that trusts whoever answers and shows nothing: for the one question whose answer the join token checks.</summary>
    internal static SslClientAuthenticationOptions Unpinned() => new()
    {
        EnabledSslProtocols = System.Security.Authentication.SslProtocols.Tls13,
        RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
    };

    /// <inheritdoc/>
    public void Dispose()
    {
        _certificate?.Dispose();
        _authority?.Dispose();
        _shown?.Dispose();
    }

    /// <summary>What answers is another than the coordinator that this program knows.</summary>
    internal static FedLoraException Other(string message) => new("coordinator-other", message,
        "check the address; if the coordinator was set up anew, join it with a new token and a state folder of its own");

    // All that the pinned authority signs for servers is this coordinator, by whatever name or address it is reached: nothing else has that
    // authority.
    private bool Trusts(X509Certificate2? shown, SslPolicyErrors errors)
    {
        if (_shown is not null)
        {
            var isShown = shown is not null && shown.RawDataMemory.Span.SequenceEqual(_shown.RawDataMemory.Span);
            Distrust = isShown ? null : "its certificate is not the one that the coordinator of this data folder shows";
            return isShown;
        }
        if (_authority is null)
        {
            Distrust = errors == SslPolicyErrors.None ? null : $"its certificate is not trusted by this machine ({errors})";
            return errors == SslPolicyErrors.None;
        }
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerUse));
        chain.ChainPolicy.VerificationTime = _time.GetUtcNow().UtcDateTime;
        var isTrusted = shown is not null && chain.Build(shown);
        Distrust = isTrusted ? null
            : chain.ChainStatus.All(status => status.Status == X509ChainStatusFlags.NotTimeValid) && chain.ChainStatus.Length > 0
                ? $"its certificate holds from {shown!.NotBefore.ToUniversalTime():u} to {shown.NotAfter.ToUniversalTime():u}, this "
                    + $"machine's clock says {_time.GetUtcNow():u}"
                : $"its certificate is not of the authority {Authority![..16]}... that this program joined";
        return isTrusted;
    }

    private static string Fingerprint(X509Certificate2 certificate) => Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));

    private static T Read<T>(Func<T> read, string what)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new FedLoraException("identity-invalid", $"{what} cannot be used: {error.Message}",
                "put it back from a backup, or delete it and join with a new token", error);
        }
    }
}
