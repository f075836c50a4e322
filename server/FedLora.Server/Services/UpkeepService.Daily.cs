using FedLora.Protocol.Mapping;
using FedLora.Server.Authentication;
using FedLora.Server.Backups;
using FedLora.Server.Mapping;
using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Wire = FedLora.Protocol.V1;

namespace FedLora.Server.Services;

/// <content>Nodes, federations, and the disk.</content>
internal sealed partial class UpkeepService
{
    private const int LongestNote = 1000;

    public override async Task<Wire.NodeView> ShowNode(Wire.ShowNodeRequest request, ServerCallContext context)
    {
        var node = await grains.FindNodeAsync(request.Node, context.CancellationToken);
        return (await node.GetAsync(context.CancellationToken)).ToWire();
    }

    [Authorize(Policies.Operator)]
    public override async Task<Wire.NodeView> ReadmitNode(Wire.ReadmitNodeRequest request, ServerCallContext context)
    {
        var node = await grains.FindNodeAsync(request.Node, context.CancellationToken);
        return (await node.ReadmitAsync(context.CancellationToken)).ToWire();
    }

    [Authorize(Policies.Operator)]
    public override async Task<Wire.NodeView> RenameNode(Wire.RenameNodeRequest request, ServerCallContext context)
    {
        var node = await grains.FindNodeAsync(request.Node, context.CancellationToken);
        return (await Enrolment.RenameNodeAsync(node.GetPrimaryKeyString(), request.NewName, context.CancellationToken)).ToWire();
    }

    [Authorize(Policies.Operator)]
    public override async Task<Wire.DeleteNodeResponse> DeleteNode(Wire.DeleteNodeRequest request, ServerCallContext context)
    {
        var node = await grains.FindNodeAsync(request.Node, context.CancellationToken);
        await Enrolment.DeleteNodeAsync(node.GetPrimaryKeyString(), request.ForgetReceipts, context.CancellationToken);
        return new Wire.DeleteNodeResponse();
    }

    [Authorize(Policies.Operator)]
    public override async Task<Wire.FederationView> ChangeFederation(Wire.ChangeFederationRequest request, ServerCallContext context)
    {
        var wanted = (request.Definition ?? new Wire.FederationDefinition()).ToModel();
        return (await Federation(wanted.Name).ChangeAsync(wanted, context.CancellationToken)).ToWire(rounds: true);
    }

    [Authorize(Policies.Operator)]
    public override async Task<Wire.FederationView> CloneFederation(Wire.CloneFederationRequest request, ServerCallContext context)
    {
        var from = Federation(request.From);
        var definition = (await from.GetAsync(context.CancellationToken)).Definition with { Name = request.Name };
        var first = await from.AdapterAfterAsync(0, context.CancellationToken);
        return (await creator.CreateAsync(definition, first.Sha256, context.CancellationToken)).ToWire(rounds: true);
    }

    [Authorize(Policies.Operator)]
    public override async Task<Wire.DeleteFederationResponse> DeleteFederation(Wire.FederationName request, ServerCallContext context)
    {
        await Registry.RemoveFederationAsync(FederationKey.Of(request.Name), context.CancellationToken);
        return new Wire.DeleteFederationResponse();
    }

    public override Task<Wire.ShowDiskResponse> ShowDisk(Wire.ShowDiskRequest request, ServerCallContext context)
    {
        var response = new Wire.ShowDiskResponse { Folder = folder.Root, FreeBytes = new DriveInfo(folder.Root).AvailableFreeSpace };
        foreach (var part in new DirectoryInfo(folder.Root).EnumerateFileSystemInfos().OrderBy(part => part.Name, StringComparer.Ordinal))
        {
            IEnumerable<FileInfo> files = part is DirectoryInfo inner ? inner.EnumerateFiles("*", SearchOption.AllDirectories)
                : [(FileInfo)part];
            var (bytes, count) = files.Aggregate((Bytes: 0L, Count: 0L), (sum, file) => (sum.Bytes + Length(file), sum.Count + 1));
            response.Parts.Add(new Wire.DiskPart { Name = part.Name, Bytes = bytes, Files = count });
        }
        return Task.FromResult(response);
    }

    [Authorize(Policies.Operator)]
    public override async Task<Wire.CollectGarbageResponse> CollectGarbage(Wire.CollectGarbageRequest request, ServerCallContext context)
    {
        var cleaned = await grains.GetGrain<IJanitorGrain>(IJanitorGrain.Key).CleanUpAsync(context.CancellationToken);
        return new Wire.CollectGarbageResponse
        {
            Uploads = (uint)cleaned.Partials,
            Blobs = (uint)cleaned.Blobs,
            Waiting = (uint)cleaned.Waiting,
        };
    }

    [Authorize(Policies.Operator)]
    public override Task<Wire.NoteBackupResponse> NoteBackup(Wire.NoteBackupRequest request, ServerCallContext context)
    {
        recorder.Record(Roles.Operator, context.CallerId(), BackupNote.Action, Short(request.Subject), Short(request.Outcome));
        return Task.FromResult(new Wire.NoteBackupResponse());
    }

    private static string Short(string text) => text.Length <= LongestNote ? text : text[..LongestNote];

    private IRegistryGrain Registry => grains.GetGrain<IRegistryGrain>(IRegistryGrain.Key);

    private IFederationGrain Federation(string name) => grains.GetGrain<IFederationGrain>(FederationKey.Of(name));

    // One that was removed meanwhile takes no room any more.
    private static long Length(FileInfo file)
    {
        file.Refresh();
        return file.Exists ? file.Length : 0;
    }
}
