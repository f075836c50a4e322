using FedLora.Protocol.Mapping;
using FedLora.Protocol.Transfer;
using FedLora.Server.Authentication;
using FedLora.Server.Certificates;
using FedLora.Server.Downloads;
using FedLora.Server.Hosting;
using FedLora.Server.Mapping;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Server.Services;

/// <summary>What operators call, and auditors where nothing is changed and no adapter handed out.</summary>
[Authorize(Policies.Reader)]
internal sealed class AdminService(IGrainFactory grains, IBlobStore blobs, FederationCreator creator, RoundReplayer replayer,
    RoundNodes roundNodes, Lazy<CertificateAuthority> authority,
    IOptions<ServerOptions> server, CallEnding calls, TimeProvider time) : Wire.Admin.AdminBase
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan WatchStep = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan WatchPause = TimeSpan.FromMilliseconds(100);

    private IEnrolmentGrain Enrolment => grains.GetGrain<IEnrolmentGrain>(IEnrolmentGrain.Key);

    private IRegistryGrain Registry => grains.GetGrain<IRegistryGrain>(IRegistryGrain.Key);

    private IAccessGrain Access => grains.GetGrain<IAccessGrain>(IAccessGrain.Key);

    [Authorize(Policies.Operator)]
    public override async Task<Wire.CreateTokenResponse> CreateToken(Wire.CreateTokenRequest request, ServerCallContext context)
    {
        var valid = TimeSpan.FromSeconds(request.ValidSeconds == 0 ? 86400 : request.ValidSeconds);
        var token = request.Role is "" or Roles.Node
            ? await Enrolment.CreateTokenAsync(
                new TokenRequest { Uses = request.Uses == 0 ? 1 : (int)request.Uses, Lifetime = valid, Name = request.Name },
                context.CancellationToken)
            : await Access.CreateTokenAsync(
                new AccessTokenRequest { Role = RequestChecks.AccessRole(request, context), Name = request.Name, Lifetime = valid },
                context.CancellationToken);
        return new Wire.CreateTokenResponse
        {
            Token = server.Value.Pinned(token.Token, authority),
            Id = token.Id,
            ExpiresUnixMs = token.ExpiresAt.ToUnixTimeMilliseconds(),
        };
    }

    public override async Task<Wire.ListAccessResponse> ListAccess(Wire.ListAccessRequest request, ServerCallContext context) =>
        (await Access.ListAsync(context.CancellationToken)).ToWire();

    [Authorize(Policies.Operator)]
    public override async Task<Wire.ListAccessResponse> RevokeAccess(Wire.RevokeAccessRequest request, ServerCallContext context) =>
        (await Access.RevokeAsync(request.Holder, context.CancellationToken)).ToWire();

    public override async Task<Wire.ListNodesResponse> ListNodes(Wire.ListNodesRequest request, ServerCallContext context)
    {
        var nodes = await grains.NodesAsync(context.CancellationToken);
        return new Wire.ListNodesResponse { Nodes = { nodes.Select(node => node.ToWire()) } };
    }

    [Authorize(Policies.Operator)]
    public override async Task<Wire.NodeView> RevokeNode(Wire.RevokeNodeRequest request, ServerCallContext context)
    {
        var node = await grains.FindNodeAsync(request.Node, context.CancellationToken);
        return (await node.RevokeAsync(context.CancellationToken)).ToWire();
    }

    [Authorize(Policies.Operator)]
    public override async Task<Wire.BlobRef> PutBlob(IAsyncStreamReader<Wire.Chunk> requestStream, ServerCallContext context)
    {
        using var ending = calls.Of(context);
        using var limit = new IdleLimit(Idle, time, ending.Token);
        var (size, hash) = (0L, "");
        await limit.RunAsync(() => $"the upload at byte {size}", async () => hash = await blobs.PutAsync(
            async (stream, cancellationToken) =>
            {
                while (await requestStream.MoveNext(limit.Token))
                {
                    limit.Moved();
                    if (requestStream.Current.Offset != size)
                        throw new RefusedException(RefusalCodes.BlobOffset,
                            $"a chunk at byte {requestStream.Current.Offset} came where byte {size} was due", "upload it again");
                    await stream.WriteAsync(requestStream.Current.Data.Memory, cancellationToken);
                    size += requestStream.Current.Data.Length;
                }
            },
            ending.Token));
        await HoldAsync(hash);
        return new Wire.BlobRef { Sha256 = hash, Size = size, Encoding = Wire.BlobEncoding.Safetensors };
    }

    [Authorize(Policies.Operator)]
    public override async Task GetBlob(Wire.GetBlobRequest request, IServerStreamWriter<Wire.Chunk> responseStream,
        ServerCallContext context)
    {
        var sha256 = RequestChecks.Blob(request.Sha256);
        using var ending = calls.Of(context);
        await HoldAsync(sha256);
        await using var blob = await blobs.OpenReadAsync(sha256, ending.Token);
        await BlobOut.SendAsync(blob, request.Offset, responseStream, time, ending.Token);
    }

    [Authorize(Policies.Operator)]
    public override async Task<Wire.FederationView> CreateFederation(Wire.CreateFederationRequest request, ServerCallContext context)
    {
        var view = await creator.CreateAsync((request.Definition ?? new Wire.FederationDefinition()).ToModel(),
            request.InitialAdapter?.Sha256, context.CancellationToken);
        return view.ToWire(rounds: true);
    }

    [Authorize(Policies.Operator)]
    public override async Task<Wire.FederationView> StartFederation(Wire.FederationName request, ServerCallContext context)
    {
        var view = await Federation(request.Name).StartAsync(context.CancellationToken);
        return view.ToWire(rounds: true);
    }

    [Authorize(Policies.Operator)]
    public override async Task<Wire.FederationView> PauseFederation(Wire.FederationName request, ServerCallContext context) =>
        (await Federation(request.Name).PauseAsync("paused by an operator", context.CancellationToken)).ToWire(rounds: true);

    [Authorize(Policies.Operator)]
    public override async Task<Wire.FederationView> StopFederation(Wire.FederationName request, ServerCallContext context) =>
        (await Federation(request.Name).StopAsync("stopped by an operator", context.CancellationToken)).ToWire(rounds: true);

    public override async Task<Wire.FederationView> ShowFederation(Wire.FederationName request, ServerCallContext context)
    {
        var view = await Federation(request.Name).GetAsync(context.CancellationToken);
        var nodes = await roundNodes.OfAsync(view.History.TakeLast(FederationMapping.RoundsShown), context.CancellationToken);
        return view.ToWire(rounds: true, nodes);
    }

    public override async Task<Wire.ListFederationsResponse> ListFederations(Wire.ListFederationsRequest request, ServerCallContext context)
    {
        var response = new Wire.ListFederationsResponse();
        foreach (var entry in await Registry.ListFederationsAsync(context.CancellationToken))
            response.Federations.Add(await ViewAsync(entry, context.CancellationToken));
        return response;
    }

    public override async Task WatchFederation(Wire.FederationName request, IServerStreamWriter<Wire.FederationView> responseStream,
        ServerCallContext context)
    {
        var federation = Federation(request.Name);
        var version = 0L;
        using var ending = calls.Of(context);
        while (true)
        {
            var seen = await federation.WatchAsync(version, WatchStep, ending.Token);
            if (seen.Version != version)
                await responseStream.SendAsync(seen.View.ToWire(rounds: true), ending.Token);
            version = seen.Version;
            if (seen.View.State is FederationState.Finished or FederationState.Stopped)
                return;
            await Task.Delay(WatchPause, time, ending.Token);
        }
    }

    [Authorize(Policies.Operator)]
    public override async Task<Wire.ExportAdapterResponse> ExportAdapter(Wire.ExportAdapterRequest request, ServerCallContext context)
    {
        var view = await Federation(request.Federation).GetAsync(context.CancellationToken);
        var round = request.HasRound ? (int)request.Round : view.RoundsDone;
        var adapter = await Federation(request.Federation).AdapterAfterAsync(round, context.CancellationToken);
        var folds = await Federation(request.Federation).FoldsAfterAsync(round, context.CancellationToken);
        await HoldAsync([adapter.Sha256, .. folds.Select(fold => fold.Sha256)]);
        return new Wire.ExportAdapterResponse
        {
            Definition = view.Definition.ToWire(layout: true),
            Round = (uint)round,
            Adapter = FederationMapping.Whole(adapter),
            Fold = { folds.Select(FederationMapping.Whole) },
        };
    }

    public override async Task<Wire.ReplayRoundResponse> ReplayRound(Wire.ReplayRoundRequest request, ServerCallContext context)
    {
        var result = await replayer.ReplayAsync(FederationKey.Of(request.Federation), (int)request.Round,
            context.CancellationToken);
        return new Wire.ReplayRoundResponse
        {
            StoredSha256 = result.StoredSha256,
            ReplayedSha256 = result.ReplayedSha256,
            Milliseconds = result.Milliseconds,
            Differences = { result.Differences },
        };
    }

    // One that is damaged is listed as such, and does not hide the others.
    private async Task<Wire.FederationView> ViewAsync(FederationEntry entry, CancellationToken cancellationToken)
    {
        try
        {
            return (await grains.GetGrain<IFederationGrain>(entry.Name).GetAsync(cancellationToken)).ToWire(rounds: false);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return new Wire.FederationView
            {
                Definition = new Wire.FederationDefinition { Name = entry.Name },
                State = (Wire.FederationState)((int)entry.State + 1),
                Reason = $"cannot be read: {error.GetBaseException().Message.ReplaceLineEndings(" ")}",
                CreatedUnixMs = entry.CreatedAt.ToUnixTimeMilliseconds(),
            };
        }
    }

    // A clean-up does not take away what is being transferred.
    private Task HoldAsync(params string[] hashes) =>
        grains.GetGrain<IJanitorGrain>(IJanitorGrain.Key).HoldAsync(hashes, CancellationToken.None);

    private IFederationGrain Federation(string name) => grains.GetGrain<IFederationGrain>(FederationKey.Of(name));
}
