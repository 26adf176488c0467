# Starts the stand-in of Exchange's Setup.exe; a part of WindowsStandIn.psm1.

# Returns the process, like Start-Process -PassThru. It outlives the process that started it.
function Start-SetupProgram {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        [string] $FilePath,

        [string[]] $ArgumentList = @()
    )
    $start = New-Object System.Diagnostics.ProcessStartInfo $env:EXCHANGE_STANDIN_PYTHON
    $start.Arguments = "-m rehearsal.stand_ins.exchange.setup.program `"$FilePath`" " + ($ArgumentList -join ' ')
    $start.WorkingDirectory = [System.IO.Path]::GetFullPath((Join-Path $PSScriptRoot '..' '..' '..'))
    $start.UseShellExecute = $false
    [System.Diagnostics.Process]::Start($start)
}
