using System.Management.Automation;
using MProxy.Engine.Packets;

namespace MProxy.Internal;

/// <summary>Frames of a capture of packets, as PowerShell shows them.</summary>
internal static class PacketFrames
{
    // Chosen by the view that has time and ends.
    private const string TypeName = "MProxy.Frame#Packet";

    /// <summary>The frame, with the properties Time, Source and Destination.</summary>
    public static PSObject ToObject(PacketFrame seen)
    {
        var frame = new PSObject(seen.Frame);
        frame.Properties.Add(new PSNoteProperty(nameof(seen.Time), seen.Time.ToLocalTime()));
        frame.Properties.Add(new PSNoteProperty(nameof(seen.Source), $"{seen.Source}"));
        frame.Properties.Add(new PSNoteProperty(nameof(seen.Destination), $"{seen.Destination}"));
        frame.TypeNames.Insert(0, TypeName);
        return frame;
    }

    /// <summary>What there was instead of frames.</summary>
    public static string WhyNone(string path, IReadOnlyDictionary<string, int> others) =>
        $"No frames were found in '{path}'. " + (others.Count == 0
            ? "It has no connections of TCP that say anything, or none with these ports."
            : $"It has ways of connections {string.Join(", ", others.Select(other => $"{other.Key} ({other.Value})"))}. What is inside of TLS is not seen; Wireshark with the dissector mproxy.lua reads it where there is a key log.");
}
