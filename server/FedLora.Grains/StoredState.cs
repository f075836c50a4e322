using Orleans.Core;

namespace FedLora.Grains;

/// <summary>Writing a grain's state.</summary>
internal static class StoredState
{
    /// <summary>
    /// Writes; where that fails, what is in memory is no longer what is stored, so the grain ends and is read again. Never cancelled
    /// half-way: the caller learns whether it was stored.
    /// </summary>
    /// <param name="release">Ends the calls that are held: the grain ends only after them.</param>
    public static async Task StoreAsync(this IGrainBase grain, IStorage state, Action? release = null)
    {
        try
        {
            await state.WriteStateAsync();
        }
        catch
        {
            release?.Invoke();
            grain.DeactivateOnIdle();
            throw;
        }
    }
}
