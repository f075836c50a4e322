using Grpc.Core;
using Grpc.Net.Internal;

namespace Grpc.Net.Client.Internal;

/// <summary>What a channel's credentials amount to: TLS or not, and whom to ask for the headers of each call.</summary>
internal sealed class ClientCredentials(IReadOnlyList<CallCredentials> ofChannel, bool sendCallCredentials)
{
    /// <exception cref="InvalidOperationException">The credentials contradict the address.</exception>
    public static ClientCredentials Resolve(Uri address, GrpcChannelOptions options)
    {
        var isHttps = address.Scheme == Uri.UriSchemeHttps;
        if (!isHttps && address.Scheme != Uri.UriSchemeHttp)
        {
            throw new InvalidOperationException($"The address '{address}' has neither the scheme http nor https.");
        }

        var found = new ChannelConfigurator();
        options.Credentials?.InternalPopulateConfiguration(found, options.Credentials);
        if (found.Secure is { } secure && secure != isHttps)
        {
            throw new InvalidOperationException(secure
                ? $"Channel is configured with secure channel credentials and can't use a HttpClient with a '{address.Scheme}' scheme."
                : $"Channel is configured with insecure channel credentials and can't use a HttpClient with a '{address.Scheme}' scheme.");
        }

        return new ClientCredentials(found.CallCredentials, isHttps || options.UnsafeUseInsecureChannelCallCredentials);
    }

    /// <summary>Adds the headers that authorise this call. Without TLS they are not sent, unless the channel's options say so.</summary>
    public async Task AuthorizeAsync(
        HttpRequestMessage request, Uri address, IMethod method, CallCredentials? ofCall, CancellationToken cancellationToken)
    {
        if (!sendCallCredentials || (ofCall is null && ofChannel.Count == 0)) return;
        var interceptors = new CallConfigurator();
        foreach (var credentials in ofCall is null ? ofChannel : [ofCall, .. ofChannel])
        {
            credentials.InternalPopulateConfiguration(interceptors, null);
        }

        var context = new AuthInterceptorContext(ServiceUrl(address, method), method.Name, cancellationToken);
        foreach (var interceptor in interceptors.Found)
        {
            var metadata = new Metadata();
            await interceptor(context, metadata);
            foreach (var entry in metadata) request.Headers.TryAddWithoutValidation(entry.Key, HeaderMetadata.Encode(entry));
        }
    }

    /// <summary>Without the port 443, which is how token issuers spell an audience.</summary>
    private static string ServiceUrl(Uri address, IMethod method)
    {
        var authority = address is { Scheme: "https", Port: 443 } ? address.Host : address.Authority;
        return $"{address.Scheme}://{authority}{address.AbsolutePath.TrimEnd('/')}/{method.ServiceName}";
    }

    private sealed class ChannelConfigurator : ChannelCredentialsConfiguratorBase
    {
        public bool? Secure { get; private set; }

        public List<CallCredentials> CallCredentials { get; } = [];

        public override void SetInsecureCredentials(object state) => Secure = false;

        public override void SetSslCredentials(
            object state, string? rootCertificates, KeyCertificatePair? keyCertificatePair, VerifyPeerCallback? verifyPeerCallback) =>
            Secure = true;

        public override void SetCompositeCredentials(object state, ChannelCredentials channelCredentials, CallCredentials callCredentials)
        {
            channelCredentials.InternalPopulateConfiguration(this, state);
            CallCredentials.Add(callCredentials);
        }
    }

    private sealed class CallConfigurator : CallCredentialsConfiguratorBase
    {
        public List<AsyncAuthInterceptor> Found { get; } = [];

        public override void SetCompositeCredentials(object? state, IReadOnlyList<CallCredentials> credentials)
        {
            foreach (var part in credentials) part.InternalPopulateConfiguration(this, state);
        }

        public override void SetAsyncAuthInterceptorCredentials(object? state, AsyncAuthInterceptor interceptor) => Found.Add(interceptor);
    }
}
