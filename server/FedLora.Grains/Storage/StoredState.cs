using Orleans.Core;

namespace FedLora.Grains;

/// <summary>Writing a grain's state.</summary>
internal static class StoredState
{
    /// <summary>
    /// Writes; where that fails, what is in memory is no longer what is stored, so the grain ends and is read again. Never cancelled half-way: the caller learns
    /// whether it was stored.
    /// </summary>
    public static async Task StoreAsync(this IGrainBase grain, IStorage state)
    {
        try
        {
            await state.WriteStateAsync();
        }
        catch
        {
            grain.DeactivateOnIdle();
            throw;
        }
    }
}
